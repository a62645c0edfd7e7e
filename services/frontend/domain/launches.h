// SPDX-License-Identifier: Apache-2.0
/// What the front end decides about launches: the price, and that a customer consented to it, once (steps 318
/// to 324). The launch itself is the zone's.
#pragma once

#include <map>

#include "base/clock.h"
#include "sealift/v1/launches.pb.h"
#include "services/frontend/domain/limits.h"
#include "services/frontend/domain/sealed_heads.h"
#include "services/frontend/domain/zone.h"
#include "store/images.h"
#include "store/quotes.h"

namespace sealift::frontend {

/// "host:port" of each tenant's security module.
using SecurityModules = std::map<std::string, std::string>;

struct Terms {
  Limits limits;
  Prices prices;
  SecurityModules security_modules;
};

class Launches {
 public:
  /// `terms.prices` are checked.
  Launches(store::ImageStore& images, SealedHeads& sealed, store::QuoteStore& quotes, const Clock& clock,
           const Terms& terms)
      : images_{images}, sealed_{sealed}, quotes_{quotes}, clock_{clock}, terms_{terms} {}

  /// not_found; failed_precondition for an image that is not ready; invalid_argument.
  Result<v1::Quote> quote(const std::string& tenant, const v1::GetQuoteRequest& request);

  /// The first request that names a quote has it; the same request again gives the same launch, whatever was
  /// killed in between: the zone knows it by its idempotency key. not_found, quote_expired, conflict,
  /// failed_precondition, invalid_argument, and the zone's errors.
  Result<v1::Launch> create(Zone& zone, const std::string& tenant, const v1::CreateLaunchRequest& request);

 private:
  Result<v1::ZoneCreateLaunchRequest> zone_request(const store::QuoteRecord& quote,
                                                   const v1::CreateLaunchRequest& request);

  store::ImageStore& images_;
  SealedHeads& sealed_;
  store::QuoteStore& quotes_;
  const Clock& clock_;
  const Terms& terms_;
};

}  // namespace sealift::frontend
