// SPDX-License-Identifier: Apache-2.0
/// For tests: a zone that keeps launches by tenant and idempotency key, as a real one does.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "services/frontend/domain/zone.h"

namespace sealift::frontend {

class ZoneForTest final : public Zone {
 public:
  Result<v1::Launch> create_launch(const v1::ZoneCreateLaunchRequest& request) override {
    if (refuses) return tl::unexpected(*refuses);
    const auto [found, added] = orders.try_emplace({request.tenant(), request.idempotency_key()}, request);
    if (added) {
      auto& launch = launches[request.tenant()].emplace_back();
      launch.set_launch_id("launch-" + std::to_string(orders.size()));
      launch.set_image_id(request.image().image_id());
      launch.set_state(v1::Launch::STATE_REQUESTED);
      launch_of[found->first] = launch.launch_id();
    } else if (found->second.SerializeAsString() != request.SerializeAsString()) {
      return fail(ErrorCode::conflict, "the idempotency key was used for another request", "idempotency_key");
    }
    if (answers_get_lost) return fail(ErrorCode::unavailable, "the connection was lost");
    return get_launch(request.tenant(), launch_of[found->first]);
  }
  Result<v1::Launch> get_launch(const std::string& tenant, const std::string& launch_id) override {
    for (const auto& launch : launches[tenant]) {
      if (launch.launch_id() == launch_id) return launch;
    }
    return fail(ErrorCode::not_found, "there is no such launch", "launch_id");
  }
  Result<v1::ListLaunchesResponse> list_launches(const std::string& tenant,
                                                 const std::string& after) override {
    if (refuses) return tl::unexpected(*refuses);
    v1::ListLaunchesResponse response;
    bool beyond = after.empty();
    for (const auto& launch : launches[tenant]) {
      if (beyond && response.launches_size() == 2) {
        response.set_more(true);
        break;
      }
      if (beyond) *response.add_launches() = launch;
      if (launch.launch_id() == after) beyond = true;
    }
    return response;
  }
  void end(const std::string& tenant, std::size_t launch) {
    launches[tenant].at(launch).set_state(v1::Launch::STATE_ENDED);
  }

  using Key = std::pair<std::string, std::string>;  // tenant, idempotency key
  std::map<Key, v1::ZoneCreateLaunchRequest> orders;
  std::map<Key, std::string> launch_of;
  std::map<std::string, std::vector<v1::Launch>> launches;  // by tenant
  std::optional<Error> refuses;
  bool answers_get_lost = false;
};

}  // namespace sealift::frontend
