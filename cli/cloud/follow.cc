// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/follow.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "cli/cancellation.h"
#include "cli/cloud/event_text.h"
#include "cli/cloud/stop_on_signal.h"

namespace sealift::cli {
namespace {

constexpr std::chrono::milliseconds kReconnect{500};
constexpr int kReconnects = 120;
constexpr std::string_view kWatch = "sealift.v1.LaunchService.WatchLaunch";

class Follower {
 public:
  Follower(Until until, Context& context, const std::function<Status(const v1::LaunchEvent&)>& on_event)
      : until_{until}, context_{context}, on_event_{on_event} {}

  Status take(const v1::LaunchEvent& event) {
    SEALIFT_CHECK(check_not_cancelled());
    if (event.sequence() <= seen_) return {};
    SEALIFT_CHECK(show(event));
    // Seen when it is answered: where the cloud is gone meanwhile, it comes again.
    if (on_event_) SEALIFT_CHECK(on_event_(event));
    seen_ = event.sequence();
    reached_ = event.last() || (until_ == Until::running && event.name() == "guest_started");
    // Ends the stream from our side.
    return reached_ ? Status{fail(ErrorCode::canceled, "seen enough")} : Status{};
  }
  std::uint32_t seen() const { return seen_; }
  bool reached() const { return reached_; }

 private:
  Status show(const v1::LaunchEvent& event) {
    if (event.sequence() <= shown_) return {};
    shown_ = event.sequence();
    if (begun_ms_ == 0) begun_ms_ = event.time_ms();
    return context_.json ? print_line(event_json(event)) : print_text(event_line(event, begun_ms_));
  }

  const Until until_;
  Context& context_;
  const std::function<Status(const v1::LaunchEvent&)>& on_event_;
  std::uint32_t seen_ = 0;
  std::uint32_t shown_ = 0;
  std::int64_t begun_ms_ = 0;
  bool reached_ = false;
};

}  // namespace

Status follow_launch(rpc::Channel& frontend, const std::string& launch_id, Until until, Context& context,
                     const std::function<Status(const v1::LaunchEvent&)>& on_event) {
  Follower follower{until, context, on_event};
  const StopOnSignal stop;
  for (int broken = 0;; ++broken) {
    v1::WatchLaunchRequest request;
    request.set_launch_id(launch_id);
    request.set_after_sequence(follower.seen());
    auto ended = frontend.stream<v1::LaunchEvent>(
        kWatch, request, [&](const v1::LaunchEvent& event) { return follower.take(event); }, stop.token());
    if (follower.reached()) return {};
    SEALIFT_CHECK(check_not_cancelled());
    if (!ended && ended.error().code != ErrorCode::unavailable && ended.error().code != ErrorCode::timeout)
      return ended;
    if (broken == kReconnects)
      return ended ? Status{fail(ErrorCode::unavailable, "the events end too early")} : ended;
    std::this_thread::sleep_for(kReconnect);
  }
}

Result<std::vector<v1::LaunchEvent>> past_events(rpc::Channel& frontend, const std::string& launch_id) {
  std::vector<v1::LaunchEvent> events;
  v1::WatchLaunchRequest request;
  request.set_launch_id(launch_id);
  request.set_only_past(true);
  const StopOnSignal stop;
  SEALIFT_CHECK(frontend.stream<v1::LaunchEvent>(
      kWatch, request,
      [&](const v1::LaunchEvent& event) -> Status {
        events.push_back(event);
        return {};
      },
      stop.token()));
  return events;
}

Result<v1::Launch> outcome_of(rpc::Channel& frontend, const std::string& launch_id) {
  v1::GetLaunchRequest request;
  request.set_launch_id(launch_id);
  SEALIFT_TRY(auto launch, frontend.call<v1::Launch>("sealift.v1.LaunchService.GetLaunch", request));
  if (launch.has_refusal()) return tl::unexpected(as_error(launch.refusal()));
  if (launch.state() == v1::Launch::STATE_ENDED && launch.exit_status() != 0)
    return fail(ErrorCode::guest_failed, fmt::format("the guest ended with status {}", launch.exit_status()));
  return launch;
}

}  // namespace sealift::cli
