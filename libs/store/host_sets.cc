// SPDX-License-Identifier: Apache-2.0
#include "store/host_sets.h"

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<HostSetRecord> read_set(sql::Row& row) {
  HostSetRecord record;
  record.tenant = row.text();
  record.name = row.text();
  record.document = row.bytes();
  record.version = row.integer();
  return record;
}

Result<Bytes> read_document(sql::Row& row) { return row.bytes(); }

class SqlHostSetStore final : public HostSetStore {
 public:
  explicit SqlHostSetStore(sql::Database& database) : database_{database} {}

  Status create(const HostSetRecord& record, std::int64_t maximum) override {
    return database_.transact([&](sql::Transaction& transaction) -> Status {
      SEALIFT_TRY(const auto present,
                  sql::count(transaction.run("SELECT 1 FROM host_sets WHERE tenant = $1 LIMIT $2",
                                             {record.tenant, sql::page(static_cast<int>(maximum))})));
      if (present >= maximum)
        return fail(ErrorCode::resource_exhausted, "there are as many sets as a tenant may have", "name");
      return sql::done(
          transaction.run("INSERT INTO host_sets(tenant, name, document, version) VALUES($1, $2, $3, 1)",
                          {record.tenant, record.name, record.document}));
    });
  }

  Result<HostSetRecord> get(const std::string& tenant, const std::string& name) override {
    return sql::only(
        database_.read(
            "SELECT tenant, name, document, version FROM host_sets WHERE tenant = $1 AND name = $2",
            {tenant, name}),
        read_set, "set");
  }

  Result<std::vector<HostSetRecord>> list(const std::string& tenant, const std::string& after,
                                          int limit) override {
    return sql::all(database_.read("SELECT tenant, name, document, version FROM host_sets "
                                   "WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3",
                                   {tenant, after, sql::page(limit)}),
                    read_set);
  }

  Result<std::int64_t> update(const HostSetRecord& record) override {
    return sql::new_version(
        database_.write("UPDATE host_sets SET document = $3, version = version + 1 "
                        "WHERE tenant = $1 AND name = $2 AND version = $4 RETURNING version",
                        {record.tenant, record.name, record.document, record.version}),
        "set", [&] { return get(record.tenant, record.name); });
  }

  Status remove(const std::string& tenant, const std::string& name) override {
    return sql::done(
        database_.write("DELETE FROM host_sets WHERE tenant = $1 AND name = $2", {tenant, name}));
  }

 private:
  sql::Database& database_;
};

class SqlVerdictStore final : public VerdictStore {
 public:
  explicit SqlVerdictStore(sql::Database& database) : database_{database} {}

  Status put(const VerdictKey& key, const Bytes& document) override {
    return sql::done(sql::write_soon(
        database_,
        "INSERT INTO verdicts(tenant, storage_key_name, trust, document) VALUES($1, $2, $3, $4) "
        "ON CONFLICT(tenant, storage_key_name, trust) DO UPDATE SET document = excluded.document",
        {key.tenant, key.storage_key_name, key.trust, document}));
  }

  Result<std::optional<Bytes>> get(const VerdictKey& key) override {
    return sql::maybe(database_.read("SELECT document FROM verdicts "
                                     "WHERE tenant = $1 AND storage_key_name = $2 AND trust = $3",
                                     {key.tenant, key.storage_key_name, key.trust}),
                      read_document);
  }

  Result<std::int64_t> remove_of_host(const std::string& tenant, const Bytes& storage_key_name,
                                      int limit) override {
    return sql::count(database_.write(
        "DELETE FROM verdicts WHERE (tenant, storage_key_name, trust) IN (SELECT tenant, storage_key_name, "
        "trust FROM verdicts WHERE tenant = $1 AND storage_key_name = $2 LIMIT $3) RETURNING 1",
        {tenant, storage_key_name, sql::page(limit)}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<HostSetStore> make_host_set_store(sql::Database& database) {
  return std::make_unique<SqlHostSetStore>(database);
}

std::unique_ptr<VerdictStore> make_verdict_store(sql::Database& database) {
  return std::make_unique<SqlVerdictStore>(database);
}

}  // namespace sealift::store
