// SPDX-License-Identifier: Apache-2.0
#include "store/seeds.h"
#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<Bytes> read_wrapped(sql::Row& row) { return row.bytes(); }

constexpr std::string_view kGet = "SELECT wrapped FROM root_key WHERE one = 1";

class SqlRootKeyStore final : public RootKeyStore {
 public:
  explicit SqlRootKeyStore(sql::Database& database) : database_{database} {}

  Result<Bytes> get() override { return sql::only(database_.read(kGet, {}), read_wrapped, "root key"); }

  Result<Bytes> put_if_absent(const Bytes& wrapped) override {
    SEALIFT_CHECK(database_.write(
        "INSERT INTO root_key(one, wrapped) VALUES(1, $1) ON CONFLICT(one) DO NOTHING", {wrapped}));
    return get();
  }

  Status replace(const Bytes& present, const Bytes& wrapped) override {
    SEALIFT_TRY(const auto replaced,
                sql::count(database_.write(
                    "UPDATE root_key SET wrapped = $1 WHERE one = 1 AND wrapped = $2 RETURNING 1",
                    {wrapped, present})));
    if (replaced == 0) return fail(ErrorCode::conflict, "the root key was changed meanwhile", "root key");
    return {};
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<RootKeyStore> make_root_key_store(sql::Database& database) {
  return std::make_unique<SqlRootKeyStore>(database);
}

}  // namespace sealift::store
