// SPDX-License-Identifier: Apache-2.0
#include "store/enrolments.h"

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<EnrolmentRecord> read_enrolment(sql::Row& row) {
  EnrolmentRecord record;
  record.tenant = row.text();
  record.storage_key_name = row.bytes();
  record.hardware_key_hash = row.bytes();
  record.document = row.bytes();
  record.enrolled_at = row.integer();
  return record;
}

class SqlEnrolmentStore final : public EnrolmentStore {
 public:
  explicit SqlEnrolmentStore(sql::Database& database) : database_{database} {}

  Status put(const EnrolmentRecord& record) override {
    return sql::done(sql::write_soon(
        database_,
        "INSERT INTO enrolments(tenant, storage_key_name, hardware_key_hash, document, enrolled_at) "
        "VALUES($1, $2, $3, $4, $5) ON CONFLICT(tenant, storage_key_name) DO UPDATE SET "
        "hardware_key_hash = excluded.hardware_key_hash, document = excluded.document, "
        "enrolled_at = excluded.enrolled_at",
        {record.tenant, record.storage_key_name, record.hardware_key_hash, record.document,
         record.enrolled_at}));
  }

  Result<EnrolmentRecord> get(const std::string& tenant, const Bytes& storage_key_name) override {
    return sql::only(
        database_.read(
            "SELECT tenant, storage_key_name, hardware_key_hash, document, enrolled_at FROM enrolments "
            "WHERE tenant = $1 AND storage_key_name = $2",
            {tenant, storage_key_name}),
        read_enrolment, "enrolment");
  }

  Result<std::vector<EnrolmentRecord>> list(const std::string& tenant, const Bytes& after,
                                            int limit) override {
    return sql::all(
        database_.read(
            "SELECT tenant, storage_key_name, hardware_key_hash, document, enrolled_at FROM enrolments "
            "WHERE tenant = $1 AND storage_key_name > $2 ORDER BY storage_key_name LIMIT $3",
            {tenant, after, sql::page(limit)}),
        read_enrolment);
  }

  Status remove(const std::string& tenant, const Bytes& storage_key_name) override {
    return sql::done(database_.write("DELETE FROM enrolments WHERE tenant = $1 AND storage_key_name = $2",
                                     {tenant, storage_key_name}));
  }

  Result<std::int64_t> remove_of_hardware(const std::string& tenant, const Bytes& hardware_key_hash,
                                          int limit) override {
    return sql::count(database_.write(
        "DELETE FROM enrolments WHERE (tenant, storage_key_name) IN (SELECT tenant, storage_key_name "
        "FROM enrolments WHERE tenant = $1 AND hardware_key_hash = $2 LIMIT $3) RETURNING 1",
        {tenant, hardware_key_hash, sql::page(limit)}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<EnrolmentStore> make_enrolment_store(sql::Database& database) {
  return std::make_unique<SqlEnrolmentStore>(database);
}

}  // namespace sealift::store
