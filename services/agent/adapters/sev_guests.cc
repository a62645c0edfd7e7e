// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/sev_guests.h"

#include "services/agent/adapters/sev_guest_run.h"

namespace sealift::agent {
namespace {

constexpr std::size_t kKept = 256;  // of guests that ended: their journal has all of it by then

}  // namespace

SevGuests::SevGuests(SevHost host, std::filesystem::path firmware)
    : host_{std::move(host)}, firmware_{std::move(firmware)} {
  // A guest nobody follows would run on unseen.
  host_.prefix = {"setpriv", "--pdeathsig", "KILL"};
}

SevGuests::~SevGuests() = default;

SevGuests::Found SevGuests::find(const std::string& id) {
  const std::lock_guard lock{mutex_};
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second;
}

/// With the lock held.
void SevGuests::forget_ended() {
  if (runs_.size() < kKept) return;
  std::erase_if(runs_, [](const auto& run) { return run.second->has_ended(); });
}

Result<std::optional<Ending>> SevGuests::launch(const Guest& guest, const OnEvent& on_event,
                                                const std::stop_token& stop) {
  Found run;
  {
    const std::lock_guard lock{mutex_};
    forget_ended();
    auto& place = runs_[guest.id];
    if (place) return Ending{Error{ErrorCode::already_exists, "such a guest is here", "id", {}}};
    place = run = std::make_shared<SevGuestRun>(host_, firmware_, guest);
  }
  return run->follow(on_event, stop);
}

Result<std::optional<Ending>> SevGuests::watch(const std::string& id, const OnEvent& on_event,
                                               const std::stop_token& stop) {
  const auto run = find(id);
  if (!run) return std::optional<Ending>{};
  return run->follow(on_event, stop);
}

Result<Bytes> SevGuests::measurement(const std::string& id) {
  const auto run = find(id);
  if (run) return run->measurement();
  return fail(ErrorCode::not_found, "there is no such guest", "id");
}

Status SevGuests::release(const std::string& id, const v1::LaunchSecret& secret) {
  const auto run = find(id);
  if (run) return run->release(secret);
  return fail(ErrorCode::not_found, "there is no such guest", "id");
}

Status SevGuests::stop(const std::string& id) {
  const auto run = find(id);
  if (!run || run->has_ended()) return fail(ErrorCode::not_found, "there is no such guest", "id");
  run->stop();
  return {};
}

Result<std::vector<std::string>> SevGuests::list() {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> ids;
  for (const auto& [id, run] : runs_) {
    if (!run->has_ended()) ids.push_back(id);
  }
  return ids;
}

}  // namespace sealift::agent
