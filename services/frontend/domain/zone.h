// SPDX-License-Identifier: Apache-2.0
/// What the front end's own decisions need of the zone's orchestrator. What is only relayed does not pass
/// here: adapters/launch_service.h.
#pragma once

#include <string>

#include "base/result.h"
#include "sealift/v1/zone.pb.h"

namespace sealift::frontend {

/// For one request. unavailable or timeout where no orchestrator answers: worth another try.
class Zone {
 public:
  virtual ~Zone() = default;
  /// The launch of that tenant and idempotency key, new or as it stands.
  virtual Result<v1::Launch> create_launch(const v1::ZoneCreateLaunchRequest& request) = 0;
  virtual Result<v1::Launch> get_launch(const std::string& tenant, const std::string& launch_id) = 0;
  virtual Result<v1::ListLaunchesResponse> list_launches(const std::string& tenant,
                                                         const std::string& after) = 0;
};

}  // namespace sealift::frontend
