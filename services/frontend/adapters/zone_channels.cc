// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/adapters/zone_channels.h"

#include <thread>

namespace sealift::frontend {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{1000};
constexpr milliseconds kLook{20};  // how soon it is seen that nobody waits any more
constexpr std::uint32_t kPage = 1000;

}  // namespace

Result<std::unique_ptr<ZoneChannels>> ZoneChannels::create(
    const std::vector<std::string>& addresses, const std::shared_ptr<rpc::Credentials>& credentials) {
  SEALIFT_TRY(const auto server,
              rpc::make_identity(credentials->identity().trust_domain, rpc::Role::orchestrator, ""));
  auto made = std::make_unique<ZoneChannels>();
  for (const auto& address : addresses) {
    rpc::ChannelOptions options;
    options.address = address;
    options.credentials = credentials;
    options.server = server;
    SEALIFT_TRY(auto channel, rpc::Channel::create(std::move(options)));
    made->channels_.push_back(std::move(channel));
  }
  if (made->channels_.empty())
    return fail(ErrorCode::invalid_argument, "no orchestrator is named", "--orchestrator");
  return made;
}

std::string ZoneChannels::full_name(std::string_view method) {
  return std::string{"sealift.v1.ZoneService."}.append(method);
}

rpc::CallOptions ZoneChannels::options_of(const rpc::Call& call, Time until) {
  rpc::CallOptions options;
  options.timeout = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  options.trace = call.trace;
  options.once = true;
  return options;
}

bool ZoneChannels::pause(const rpc::Call& call, std::size_t asked, Time until) const {
  // Every replica gets its chance before any is asked again.
  if (asked % channels_.size() != 0) return std::chrono::steady_clock::now() < until && !call.is_cancelled();
  const auto round = std::min<std::size_t>(asked / channels_.size(), 6);
  const auto next = std::chrono::steady_clock::now() + std::min(kFirstPause * (1 << round), kLongestPause);
  while (std::chrono::steady_clock::now() < next) {
    if (next >= until || call.is_cancelled()) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

Result<v1::Launch> ZoneDuringCall::create_launch(const v1::ZoneCreateLaunchRequest& request) {
  return channels_.ask<v1::Launch>(call_, "CreateLaunch", request);
}

Result<v1::Launch> ZoneDuringCall::get_launch(const std::string& tenant, const std::string& launch_id) {
  v1::ZoneGetLaunchRequest request;
  request.set_tenant(tenant);
  request.mutable_request()->set_launch_id(launch_id);
  return channels_.ask<v1::Launch>(call_, "GetLaunch", request);
}

Result<v1::ListLaunchesResponse> ZoneDuringCall::list_launches(const std::string& tenant,
                                                               const std::string& after) {
  v1::ZoneListLaunchesRequest request;
  request.set_tenant(tenant);
  request.mutable_request()->set_after(after);
  request.mutable_request()->set_limit(kPage);
  return channels_.ask<v1::ListLaunchesResponse>(call_, "ListLaunches", request);
}

}  // namespace sealift::frontend
