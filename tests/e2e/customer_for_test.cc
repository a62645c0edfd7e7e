// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/customer_for_test.h"

#include <algorithm>
#include <thread>

#include "rpc/pki.h"

namespace sealift::e2e {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{20};
constexpr std::chrono::seconds kLimit{120};

}  // namespace

std::string state_text(v1::Launch::State state) { return v1::Launch::State_Name(state); }

bool is_over(const v1::Launch& launch) {
  return launch.state() == v1::Launch::STATE_ENDED || launch.state() == v1::Launch::STATE_REFUSED;
}

CustomerForTest::CustomerForTest(const std::filesystem::path& credentials, const std::string& frontend) {
  rpc::ChannelOptions options;
  options.address = frontend;
  options.credentials = rpc::Credentials::load(rpc::credential_files(credentials).value()).value();
  options.server = {options.credentials->identity().trust_domain, rpc::Role::frontend, {}};
  channel_ = rpc::Channel::create(std::move(options)).value();
}

Result<v1::Launch> CustomerForTest::get(const std::string& launch_id) const {
  v1::GetLaunchRequest request;
  request.set_launch_id(launch_id);
  return channel_->call<v1::Launch>("sealift.v1.LaunchService.GetLaunch", request);
}

Result<v1::Launch> CustomerForTest::stop(const std::string& launch_id) const {
  v1::StopLaunchRequest request;
  request.set_launch_id(launch_id);
  return channel_->call<v1::Launch>("sealift.v1.LaunchService.StopLaunch", request);
}

Result<std::vector<v1::LaunchEvent>> CustomerForTest::events(const std::string& launch_id) const {
  v1::WatchLaunchRequest request;
  request.set_launch_id(launch_id);
  request.set_only_past(true);
  for (const auto until = steady_clock::now() + kLimit;;) {
    std::vector<v1::LaunchEvent> events;
    const auto ended = channel_->stream<v1::LaunchEvent>("sealift.v1.LaunchService.WatchLaunch", request,
                                                         [&](const v1::LaunchEvent& event) -> Status {
                                                           events.push_back(event);
                                                           return {};
                                                         });
    if (ended) return events;
    if (ended.error().code != ErrorCode::unavailable || steady_clock::now() > until)
      return tl::unexpected(ended.error());
    std::this_thread::sleep_for(kLook);
  }
}

v1::Launch CustomerForTest::wait_for(const std::string& launch_id,
                                     const std::vector<v1::Launch::State>& states) const {
  v1::Launch last;
  for (const auto until = steady_clock::now() + kLimit; steady_clock::now() < until;) {
    if (auto launch = get(launch_id)) last = *std::move(launch);
    if (std::ranges::find(states, last.state()) != states.end()) break;
    std::this_thread::sleep_for(kLook);
  }
  return last;
}

}  // namespace sealift::e2e
