// SPDX-License-Identifier: Apache-2.0
#include "store/object_uses.h"

#include <algorithm>

#include "store/object_counts.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<Bytes> read_digest(sql::Row& row) { return row.bytes(); }

/// In the order of the digests: two images with the same files must not wait for each other.
Status for_each(sql::Transaction& transaction, std::vector<Bytes> digests, std::string_view sql) {
  std::ranges::sort(digests);
  for (const auto& digest : digests) SEALIFT_CHECK(transaction.run(sql, {digest}));
  return {};
}

class SqlObjectUseStore final : public ObjectUseStore {
 public:
  explicit SqlObjectUseStore(sql::Database& database) : database_{database} {}

  Result<std::vector<Bytes>> claim_unused(std::int64_t now, std::int64_t until, int limit) override {
    return sql::all(database_.write(R"(WITH due AS MATERIALIZED (
             SELECT digest AS due_digest FROM objects
             WHERE (users = 0 OR removal_until > 0) AND removal_until <= $1
             ORDER BY removal_until LIMIT $3 @SKIP_LOCKED)
           UPDATE objects SET removal_until = $2 FROM due WHERE digest = due_digest RETURNING digest)",
                                    {now, until, sql::page(limit)}),
                    read_digest);
  }

  Status removed(const Bytes& digest, std::int64_t until) override {
    return database_.transact([&](sql::Transaction& transaction) -> Status {
      SEALIFT_TRY(const auto ended,
                  transaction.run("UPDATE objects SET removal_until = 0 "
                                  "WHERE digest = $1 AND removal_until = $2 RETURNING users",
                                  {digest, until}));
      if (ended.empty()) return fail(ErrorCode::conflict, "another removes the object", "until");
      return sql::done(transaction.run("DELETE FROM objects WHERE digest = $1 AND users = 0", {digest}));
    });
  }

  Result<bool> is_being_removed(const Bytes& digest) override {
    SEALIFT_TRY(const auto found,
                database_.read("SELECT 1 FROM objects WHERE digest = $1 AND removal_until > 0", {digest}));
    return !found.empty();
  }

  Status note(const Bytes& digest) override {
    return sql::done(
        database_.write("INSERT INTO objects(digest, users, removal_until) VALUES($1, 0, 0) "
                        "ON CONFLICT(digest) DO NOTHING",
                        {digest}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

Status add_uses(sql::Transaction& transaction, std::vector<Bytes> digests) {
  return for_each(transaction, std::move(digests),
                  "INSERT INTO objects(digest, users, removal_until) VALUES($1, 1, 0) "
                  "ON CONFLICT(digest) DO UPDATE SET users = objects.users + 1");
}

Status end_uses(sql::Transaction& transaction, std::vector<Bytes> digests) {
  return for_each(transaction, std::move(digests), "UPDATE objects SET users = users - 1 WHERE digest = $1");
}

std::unique_ptr<ObjectUseStore> make_object_use_store(sql::Database& database) {
  return std::make_unique<SqlObjectUseStore>(database);
}

}  // namespace sealift::store
