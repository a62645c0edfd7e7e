// SPDX-License-Identifier: Apache-2.0
#include "store/quotes.h"

#include "store/sql/database.h"
#include "store/sql/query.h"

namespace sealift::store {
namespace {

Result<QuoteRecord> read_quote(sql::Row& row) {
  QuoteRecord record;
  record.tenant = row.text();
  record.quote_id = row.text();
  record.image_id = row.text();
  record.cpus = row.integer();
  record.memory_mib = row.integer();
  record.price_micros_per_second = row.integer();
  record.currency = row.text();
  record.created_at = row.integer();
  record.expires_at = row.integer();
  record.consent = row.text();
  record.launch_id = row.text();
  return record;
}

class SqlQuoteStore final : public QuoteStore {
 public:
  explicit SqlQuoteStore(sql::Database& database) : database_{database} {}

  Status create(const QuoteRecord& record) override {
    return sql::done(database_.write(
        "INSERT INTO quotes(tenant, quote_id, image_id, cpus, memory_mib, price_micros_per_second, currency, "
        "created_at, expires_at, consent, launch_id) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '')",
        {record.tenant, record.quote_id, record.image_id, record.cpus, record.memory_mib,
         record.price_micros_per_second, record.currency, record.created_at, record.expires_at}));
  }

  Result<QuoteRecord> get(const std::string& tenant, const std::string& quote_id) override {
    return sql::only(
        database_.read("SELECT tenant, quote_id, image_id, cpus, memory_mib, price_micros_per_second, "
                       "currency, created_at, expires_at, consent, launch_id FROM quotes "
                       "WHERE tenant = $1 AND quote_id = $2",
                       {tenant, quote_id}),
        read_quote, "quote");
  }

  Result<QuoteRecord> consent(const std::string& tenant, const std::string& quote_id,
                              const std::string& request, std::int64_t now) override {
    SEALIFT_TRY(
        auto used,
        sql::maybe(database_.write(
                       "UPDATE quotes SET consent = $3 WHERE tenant = $1 AND quote_id = $2 "
                       "AND (consent = $3 OR (consent = '' AND expires_at > $4)) "
                       "RETURNING tenant, quote_id, image_id, cpus, memory_mib, price_micros_per_second, "
                       "currency, created_at, expires_at, consent, launch_id",
                       {tenant, quote_id, request, now}),
                   read_quote));
    if (used) return std::move(*used);
    SEALIFT_TRY(const auto quote, get(tenant, quote_id));
    if (quote.consent.empty()) return fail(ErrorCode::quote_expired, "the quote is no longer good", "quote");
    return fail(ErrorCode::conflict, "the quote was used by another request", "quote");
  }

  Status bind(const std::string& tenant, const std::string& quote_id, const std::string& request,
              const std::string& launch_id) override {
    SEALIFT_TRY(const auto bound,
                database_.write("UPDATE quotes SET launch_id = $4 WHERE tenant = $1 AND quote_id = $2 "
                                "AND consent = $3 AND (launch_id = '' OR launch_id = $4) RETURNING launch_id",
                                {tenant, quote_id, request, launch_id}));
    if (!bound.empty()) return {};
    return fail(ErrorCode::conflict, "the quote was used for another launch", "quote");
  }

  Result<std::int64_t> drop_expired(std::int64_t now, int limit) override {
    return sql::count(
        database_.write("DELETE FROM quotes WHERE consent = '' AND (tenant, quote_id) IN "
                        "(SELECT tenant, quote_id FROM quotes WHERE consent = '' AND expires_at <= $1 "
                        "ORDER BY expires_at LIMIT $2) "
                        "RETURNING 1",
                        {now, sql::page(limit)}));
  }

 private:
  sql::Database& database_;
};

}  // namespace

std::unique_ptr<QuoteStore> make_quote_store(sql::Database& database) {
  return std::make_unique<SqlQuoteStore>(database);
}

}  // namespace sealift::store
