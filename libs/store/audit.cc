// SPDX-License-Identifier: Apache-2.0
#include "store/audit.h"

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<Bytes> read_bytes(sql::Row& row) { return row.bytes(); }

Result<AuditHeadRecord> read_head(sql::Row& row) {
  AuditHeadRecord head;
  head.size = row.integer();
  head.document = row.bytes();
  return head;
}

Result<AuditEntryRecord> read_entry(sql::Row& row) {
  AuditEntryRecord record;
  record.index = row.integer();
  record.tenant = row.text();
  record.entry = row.bytes();
  record.hashes = row.bytes();
  return record;
}

Status insert(sql::Transaction& transaction, const AuditEntryRecord& record) {
  return sql::done(
      transaction.run("INSERT INTO audit_entries(position, tenant, entry, hashes) VALUES($1, $2, $3, $4)",
                      {record.index, record.tenant, record.entry, record.hashes}));
}

class SqlAuditStore final : public AuditStore {
 public:
  explicit SqlAuditStore(sql::Database& database) : database_{database} {}

  Result<Bytes> put_key_if_absent(const Bytes& wrapped) override {
    SEALIFT_CHECK(
        database_.write("INSERT INTO audit_log(one, wrapped_key, size, document) VALUES(1, $1, 0, $2) "
                        "ON CONFLICT(one) DO NOTHING",
                        {wrapped, Bytes{}}));
    return sql::only(database_.read("SELECT wrapped_key FROM audit_log WHERE one = 1", {}), read_bytes,
                     "audit log");
  }

  Result<AuditHeadRecord> head() override {
    return sql::only(database_.read("SELECT size, document FROM audit_log WHERE one = 1", {}), read_head,
                     "audit log");
  }

  Status append(const std::function<Result<AuditAppend>(const AuditHeadRecord&)>& make) override {
    return database_.transact([&](sql::Transaction& transaction) -> Status {
      // It changes nothing, and holds the row until the end: the others wait here.
      SEALIFT_TRY(const auto head,
                  sql::only(transaction.run(
                                "UPDATE audit_log SET size = size WHERE one = 1 RETURNING size, document"),
                            read_head, "audit log"));
      SEALIFT_TRY(const auto added, make(head));
      for (const auto& record : added.entries) SEALIFT_CHECK(insert(transaction, record));
      const auto size = head.size + static_cast<std::int64_t>(added.entries.size());
      return sql::done(transaction.run("UPDATE audit_log SET size = $1, document = $2 WHERE one = 1",
                                       {size, added.document}));
    });
  }

  Result<std::vector<AuditEntryRecord>> list(std::int64_t index, int limit) override {
    return sql::all(database_.read("SELECT position, tenant, entry, hashes FROM audit_entries "
                                   "WHERE position >= $1 ORDER BY position LIMIT $2",
                                   {index, sql::page(limit)}),
                    read_entry);
  }

  Result<Bytes> hashes(std::int64_t index) override {
    return sql::only(database_.read("SELECT hashes FROM audit_entries WHERE position = $1", {index}),
                     read_bytes, "audit entry");
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<AuditStore> make_audit_store(sql::Database& database) {
  return std::make_unique<SqlAuditStore>(database);
}

}  // namespace sealift::store
