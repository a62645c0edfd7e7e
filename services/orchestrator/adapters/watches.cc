// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/watches.h"

namespace sealift::orchestrator {
namespace {

constexpr milliseconds kLook{250};  // another replica's events raise no signal here

}  // namespace

Watches::Watches(CustomerRequests& requests, Signal& signal)
    : requests_{requests}, signal_{signal}, thread_{[this](const std::stop_token& stop) { serve(stop); }} {}

Status Watches::add(std::string tenant, const v1::WatchLaunchRequest& request,
                    rpc::Stream<v1::LaunchEvent> stream) {
  SEALIFT_TRY(const auto launch, requests_.get(tenant, request.launch_id()));
  {
    const std::lock_guard lock{mutex_};
    if (count_ >= kMaxWatches) return fail(ErrorCode::resource_exhausted, "too many launches are watched");
    ++count_;
    added_.push_back({std::move(tenant), launch.launch_id(), request.after_sequence(), request.only_past(),
                      std::move(stream)});
  }
  signal_.raise();
  return {};
}

void Watches::serve(const std::stop_token& stop) {
  std::list<Watch> watches;
  for (auto seen = signal_.count(); !stop.stop_requested(); seen = signal_.wait(seen, kLook)) {
    {
      const std::lock_guard lock{mutex_};
      watches.splice(watches.end(), added_);
    }
    const auto over = std::erase_if(watches, [this](Watch& watch) { return !serve(watch); });
    const std::lock_guard lock{mutex_};
    count_ -= over;
  }
}

bool Watches::serve(Watch& watch) {
  if (watch.stream.closed()) return false;
  const auto events = requests_.events(watch.tenant, watch.launch_id, watch.sent);
  if (!events) {
    watch.stream.finish(tl::unexpected(events.error()));
    return false;
  }
  for (const auto& event : *events) {
    const auto sent = watch.stream.send(event);
    if (!sent) return sent.error().code == ErrorCode::resource_exhausted;  // the rest when it has read some
    watch.sent = event.sequence();
    if (!event.last()) continue;
    watch.stream.finish();
    return false;
  }
  if (watch.only_past) watch.stream.finish();
  return !watch.only_past;
}

}  // namespace sealift::orchestrator
