// SPDX-License-Identifier: Apache-2.0
/// Quotes: what a launch would cost, until a customer consents to one of them, once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

struct QuoteRecord {
  std::string tenant;
  std::string quote_id;
  std::string image_id;
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;
  std::int64_t price_micros_per_second = 0;  ///< millionths of the currency's unit
  std::string currency;                      ///< ISO 4217
  std::int64_t created_at = 0;               ///< seconds since 1970
  std::int64_t expires_at = 0;               ///< seconds since 1970; good before that second
  std::string consent;                       ///< names the request that consented; "" until then
  std::string launch_id;                     ///< what came of it; "" until that is known
};

class QuoteStore {
 public:
  virtual ~QuoteStore() = default;
  /// already_exists.
  virtual Status create(const QuoteRecord& record) = 0;
  /// not_found.
  virtual Result<QuoteRecord> get(const std::string& tenant, const std::string& quote_id) = 0;
  /// Uses the quote up for one request; the same request again is fine, also after it expired. quote_expired,
  /// conflict (another request used it), not_found.
  virtual Result<QuoteRecord> consent(const std::string& tenant, const std::string& quote_id,
                                      const std::string& request, std::int64_t now) = 0;
  /// What came of that consent; the same launch again is fine. conflict where it is not that request's, or
  /// another launch came of it.
  virtual Status bind(const std::string& tenant, const std::string& quote_id, const std::string& request,
                      const std::string& launch_id) = 0;
  /// Forgets up to `limit` quotes of any tenant that expired by `now` without consent: how many.
  virtual Result<std::int64_t> drop_expired(std::int64_t now, int limit) = 0;
};

/// On a database that was opened with the images' schema (schemas.h); it outlives the port.
std::unique_ptr<QuoteStore> make_quote_store(sql::Database& database);

}  // namespace sealift::store
