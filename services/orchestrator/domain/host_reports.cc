// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/host_reports.h"

#include <fmt/core.h>

#include <algorithm>

#include "services/orchestrator/domain/host_kind.h"

namespace sealift::orchestrator {
namespace {

constexpr int kMaxRunning = 4096;
constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxText = 255;
constexpr std::uint32_t kMaxEvents = 64;  // of one attempt
constexpr int kTries = 5;

bool is_name(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

Status bad(const char* field) {
  return fail(ErrorCode::invalid_argument, fmt::format("the host's attribute {} is out of range", field),
              field);
}

Status check(const v1::HostAttributes& host) {
  if (!is_name(host.tee(), 16)) return bad("tee");
  if (!is_name(host.arch(), 16)) return bad("arch");
  if (!is_name(host.zone(), 63)) return bad("zone");
  if (host.cpus() == 0 || host.cpus() > 65536) return bad("cpus");
  if (host.memory_mib() == 0 || host.memory_mib() > (1U << 30U)) return bad("memory_mib");
  if (host.firmware().size() > kMaxText) return bad("firmware");
  if (host.storage_key_name().size() > kMaxText) return bad("storage_key_name");
  if (static_cast<std::size_t>(host.labels().size()) > kMaxLabels) return bad("labels");
  for (const auto& [name, value] : host.labels()) {
    if (name.empty() || name.size() > kMaxText || value.size() > kMaxText) return bad("labels");
  }
  return {};
}

const Error kEndedEarly{ErrorCode::guest_failed, "the guest ended before it was started", "host", {}};

/// Where the host has the image before it is authorized: it is loaded there, and waits.
bool may_wait(const store::LaunchRecord& launch) {
  const auto state = state_from_name(launch.state);
  return host_kind(launch.tee).loads_first() &&
         (state == v1::Launch::STATE_AWAITING_CUSTOMER || state == v1::Launch::STATE_CHALLENGING_HOST ||
          state == v1::Launch::STATE_STAGING);
}

bool may_run(const store::LaunchRecord& launch) {
  const auto state = state_from_name(launch.state);
  return state == v1::Launch::STATE_DISPATCHED || state == v1::Launch::STATE_RUNNING ||
         state == v1::Launch::STATE_STOPPING;
}

}  // namespace

Status HostReports::register_host(const std::string& host_id, const v1::HostAttributes& attributes) {
  SEALIFT_CHECK(check(attributes));
  store::HostRecord host;
  host.host_id = host_id;
  host.tee = attributes.tee();
  host.arch = attributes.arch();
  host.zone = attributes.zone();
  host.cpus = attributes.cpus();
  host.memory_mib = attributes.memory_mib();
  host.labels = {attributes.labels().begin(), attributes.labels().end()};
  host.firmware = attributes.firmware();
  host.storage_key_name = to_bytes(as_bytes(attributes.storage_key_name()));
  host.last_seen_ms = now_ms(clock_);
  SEALIFT_CHECK(stores_.hosts.register_host(host));
  signal_.raise();
  return {};
}

Result<std::vector<std::string>> HostReports::heartbeat(const std::string& host_id,
                                                        const std::vector<std::string>& running) {
  if (running.size() > std::size_t{kMaxRunning})
    return fail(ErrorCode::invalid_argument, "too many instances", "running");
  SEALIFT_CHECK(stores_.hosts.heartbeat(host_id, now_ms(clock_)));
  SEALIFT_TRY(const auto active, stores_.launches.active(host_id, {}, kMaxRunning));
  SEALIFT_CHECK(end_vanished(active, running));
  std::vector<std::string> stop;
  for (const auto& id : running) {
    const auto mine = std::ranges::find(active, id, &store::LaunchRecord::launch_id);
    if (mine == active.end() || !(may_run(*mine) || may_wait(*mine))) stop.push_back(id);
  }
  return stop;
}

// A guest that the host no longer knows is gone. One that has just started may be missing in a heartbeat that
// was on its way.
Status HostReports::end_vanished(const std::vector<store::LaunchRecord>& active,
                                 const std::vector<std::string>& running) {
  const Error why{ErrorCode::guest_failed, "the host does not know this guest any more", "host", {}};
  for (const auto& record : active) {
    const bool settled = record.started_at_ms + limits_.host_silence.count() < now_ms(clock_);
    if (record.state != state_name(v1::Launch::STATE_RUNNING) || !settled) continue;
    if (std::ranges::find(running, record.launch_id) != running.end()) continue;
    SEALIFT_TRY(auto launch, Launch::read(record, now_ms(clock_)));
    launch.end({}, &why, limits_);
    const auto ended = stores_.launches.commit(std::move(launch).change());
    if (!ended && ended.error().code != ErrorCode::conflict) return tl::unexpected(ended.error());
    signal_.raise();
  }
  return {};
}

Status HostReports::complete(const std::string& host_id, const v1::CompleteCommandRequest& request) {
  if (request.result_case() == v1::CompleteCommandRequest::RESULT_NOT_SET)
    return fail(ErrorCode::invalid_argument, "the command has no result", "result");
  if (direct_.complete(host_id, request)) return {};
  // The host can say these again, and is asked again where they were lost.
  const bool soon = request.has_evidence() || request.has_answer() || request.has_console();
  const auto text = request.SerializeAsString();
  SEALIFT_CHECK(stores_.commands.complete(request.command_id(), host_id, Bytes{text.begin(), text.end()},
                                          now_ms(clock_), soon));
  signal_.raise();
  return {};
}

Status HostReports::report(const std::string& host_id, const v1::ReportInstanceRequest& request) {
  if (!is_name(request.event(), 64)) return fail(ErrorCode::invalid_argument, "no such event", "event");
  if (request.sequence() == 0 || request.sequence() > kMaxEvents)
    return fail(ErrorCode::invalid_argument, "the sequence number is out of range", "sequence");
  for (int attempt = 1;; ++attempt) {
    SEALIFT_TRY(auto record, stores_.launches.get_any(request.launch_id()));
    // As one that never was: a host learns nothing of other hosts' launches.
    if (record.host_id != host_id) return fail(ErrorCode::not_found, "there is no such launch", "launch");
    if (record.attempt != request.attempt())
      return fail(ErrorCode::failed_precondition, "this attempt at the launch is over", "attempt");
    SEALIFT_TRY(auto launch, Launch::read(std::move(record), now_ms(clock_)));
    if (is_final(launch.state()) || request.sequence() <= launch.document().instance_sequence()) return {};
    SEALIFT_CHECK(apply(launch, request));
    const auto committed = stores_.launches.commit(std::move(launch).change());
    if (!committed && committed.error().code == ErrorCode::conflict && attempt < kTries) continue;
    SEALIFT_CHECK(committed);
    signal_.raise();
    return {};
  }
}

Status HostReports::apply(Launch& launch, const v1::ReportInstanceRequest& request) {
  const auto state = launch.state();
  const bool waits = may_wait(launch.record());
  if (!waits && !may_run(launch.record()))
    return fail(ErrorCode::failed_precondition, "this launch is not started yet", "launch_id");
  launch.document().set_instance_sequence(request.sequence());
  const auto kind = host_kind(launch.record().tee).host_event(request.event());
  const bool has_ended = request.event() == event::kGuestEnded.name;
  if (request.has_refusal() || (waits && has_ended)) {
    const auto why = request.has_refusal() ? from_message(request.refusal()) : kEndedEarly;
    launch.note_host_event(request.event(), kind, &why);
    if (waits || state == v1::Launch::STATE_DISPATCHED) {
      launch.give_up_or_refuse(why, limits_);
    } else {
      launch.end({}, state == v1::Launch::STATE_RUNNING ? &why : nullptr, limits_);
    }
    return {};
  }
  launch.note_host_event(request.event(), kind, nullptr);
  if (has_ended) {
    launch.end(request.exit_status(), nullptr, limits_);
  } else if (request.event() == event::kGuestStarted.name && state == v1::Launch::STATE_DISPATCHED) {
    launch.started(limits_);
  } else if (state == v1::Launch::STATE_DISPATCHED) {
    launch.wait_on();
  }  // one that waits may be due already: its answer comes beside the reports
  return {};
}

}  // namespace sealift::orchestrator
