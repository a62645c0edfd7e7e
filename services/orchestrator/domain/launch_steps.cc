// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/launch_steps.h"

#include <fmt/core.h>

#include <algorithm>

#include "services/orchestrator/domain/host_kind.h"
#include "services/orchestrator/domain/sealed_ahead.h"

namespace sealift::orchestrator {
namespace {

constexpr int kCandidates = 8;
/// More of them, to find one that the image is sealed to.
constexpr int kSealedCandidates = 256;

bool is_worth_retrying(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout ||
         error.code == ErrorCode::resource_exhausted;
}

store::HostQuery query_for(const store::LaunchRecord& launch, std::int64_t seen_since_ms) {
  store::HostQuery query;
  query.tee = launch.tee;
  query.arch = launch.arch;
  query.zone = launch.zone;
  query.cpus = launch.cpus;
  query.memory_mib = launch.memory_mib;
  query.labels = launch.labels;
  query.excluded_hosts = launch.excluded_hosts;
  query.seen_since_ms = seen_since_ms;
  return query;
}

/// A step into this state does not wait for the disk: nobody outside of the zone acts on it, and where a loss
/// of power takes it, it is taken again. What comes after it and does wait brings it to disk as well.
bool is_repeatable(State state) {
  return state == v1::Launch::STATE_REQUESTED || state == v1::Launch::STATE_ASKING_HOST ||
         state == v1::Launch::STATE_ASKING_SM || state == v1::Launch::STATE_CHALLENGING_HOST ||
         state == v1::Launch::STATE_STAGING;
}

/// The SM's question, as a command for the host.
std::string question_name(const Launch& launch) { return "question-" + launch.document().question_id(); }

Error no_target(const store::LaunchRecord& launch) {
  return Error{
      ErrorCode::resource_exhausted,
      fmt::format("no host of the kind {} {} has room for {} CPUs and {} MiB{} now", launch.tee, launch.arch,
                  launch.cpus, launch.memory_mib, launch.zone.empty() ? "" : " in zone " + launch.zone),
      "target",
      {}};
}

}  // namespace

std::int64_t now_ms(const Clock& clock) {
  return std::chrono::duration_cast<milliseconds>(clock.now().time_since_epoch()).count();
}

Result<std::vector<store::LaunchRecord>> LaunchSteps::claim(const std::string& owner, int limit) {
  return stores_.launches.claim(owner, now_ms(clock_), limits_.lease.count(), limit);
}

Status LaunchSteps::step(store::LaunchRecord record, const std::string& owner) {
  while (true) {
    SEALIFT_TRY(auto launch, Launch::read(record, now_ms(clock_)));
    auto taken = step(std::move(launch));
    if (taken || taken.error().code != ErrorCode::conflict) return taken;
    // A host, a customer or another replica moved it on meanwhile. As long as the lease is ours, so is it.
    SEALIFT_TRY(record, stores_.launches.get_any(record.launch_id));
    if (record.lease_owner != owner) return {};
  }
}

Status LaunchSteps::commit(Launch launch) {
  // A host that loads an image does so once.
  const bool soon = is_repeatable(launch.state()) && !launch.is_on_host();
  auto change = std::move(launch).change();
  change.soon = soon;
  SEALIFT_CHECK(stores_.launches.commit(change));
  signal_.raise();
  return {};
}

Status LaunchSteps::step(Launch launch) {
  switch (launch.state()) {
    case v1::Launch::STATE_REQUESTED:
      return select_target(std::move(launch));
    case v1::Launch::STATE_ASKING_HOST:
      return look_for_evidence(std::move(launch));
    case v1::Launch::STATE_AWAITING_CUSTOMER:
      return wait_on(std::move(launch), "the customer's sealed data");
    case v1::Launch::STATE_ASKING_SM:
      return ask_security_module(std::move(launch));
    case v1::Launch::STATE_CHALLENGING_HOST:
      return look_for_answer(std::move(launch));
    case v1::Launch::STATE_STAGING:
      return stage(std::move(launch));
    case v1::Launch::STATE_DISPATCHED:
      return look_at_start(std::move(launch));
    case v1::Launch::STATE_RUNNING:
      return look_at_host(std::move(launch));
    case v1::Launch::STATE_STOPPING:
      return look_at_stop(std::move(launch));
    case v1::Launch::STATE_ENDED:
    case v1::Launch::STATE_REFUSED:
      return clean_up(std::move(launch));
    default:
      return rest(std::move(launch));  // no such state
  }
}

Status LaunchSteps::select_target(Launch launch) {
  const auto since = now_ms(clock_) - limits_.host_silence.count();
  const auto ahead = SealedAhead::read(launch, objects_);
  SEALIFT_TRY(auto hosts, stores_.hosts.candidates(query_for(launch.record(), since),
                                                   ahead.empty() ? kCandidates : kSealedCandidates));
  std::ranges::stable_partition(hosts, [&](const auto& host) { return ahead.slot_of(host) != nullptr; });
  if (hosts.size() > std::size_t{kCandidates}) hosts.resize(kCandidates);
  for (const auto& host : hosts) {
    auto attempt = launch;
    attempt.take_target(host);
    if (const auto* const slot = ahead.slot_of(host)) {
      attempt.authorize({*slot});
      attempt.note(event::kSealedAhead);
      attempt.document().set_waiting_since_ms(now_ms(clock_));
      attempt.go_to(v1::Launch::STATE_STAGING);
    } else {
      v1::Command command;
      command.mutable_get_evidence();
      attempt.command("evidence", std::move(command));
      attempt.note(event::kEvidenceAsked);
      attempt.wait_in(v1::Launch::STATE_ASKING_HOST, limits_.host_answer);
    }
    const auto committed = commit(std::move(attempt));
    // Another launch took the room: the next host.
    if (!committed && committed.error().code == ErrorCode::resource_exhausted) continue;
    return committed;
  }
  const auto& document = launch.document();
  launch.refuse(document.has_given_up() ? from_message(document.given_up()) : no_target(launch.record()),
                limits_);
  return commit(std::move(launch));
}

Result<std::optional<v1::CompleteCommandRequest>> LaunchSteps::result_of(const Launch& launch,
                                                                         std::string_view command) {
  SEALIFT_TRY(const auto found, stores_.commands.get(launch.command_id(command)));
  if (!found.done) return std::nullopt;
  v1::CompleteCommandRequest result;
  if (!result.ParseFromArray(found.result.data(), static_cast<int>(found.result.size())))
    return fail(ErrorCode::malformed, "the result of command " + found.command_id + " is damaged", "result");
  return result;
}

Status LaunchSteps::look_for_evidence(Launch launch) {
  SEALIFT_TRY(const auto result, result_of(launch, "evidence"));
  if (!result) return wait_on(std::move(launch), "the host's evidence");
  if (!result->has_evidence()) {
    launch.give_up_target(why_not(*result), limits_);
    return commit(std::move(launch));
  }
  launch.document().set_evidence(result->evidence().evidence());
  launch.note(event::kEvidenceReceived);
  launch.note(event::kEnrolmentAsked);
  if (launch.keeps_key()) {
    launch.wait_in(v1::Launch::STATE_AWAITING_CUSTOMER, limits_.customer_answer);
  } else {
    launch.document().set_waiting_since_ms(now_ms(clock_));
    launch.go_to(v1::Launch::STATE_ASKING_SM);
  }
  return commit(std::move(launch));
}

Status LaunchSteps::retry(Launch launch, const Error& why) {
  if (launch.document().waiting_since_ms() == 0) launch.document().set_waiting_since_ms(now_ms(clock_));
  const auto waited = now_ms(clock_) - launch.document().waiting_since_ms();
  if (waited >= limits_.patience.count()) {
    launch.refuse(why, limits_);
  } else {
    launch.try_again_in(limits_.retry);
  }
  return commit(std::move(launch));
}

Status LaunchSteps::ask_security_module(Launch launch) {
  v1::RequestAuthorizationRequest request;
  request.set_tenant(launch.record().tenant);
  request.set_image_id(launch.record().image_id);
  request.set_tee(launch.record().tee);
  request.set_evidence(launch.document().evidence());
  const auto response = security_modules_.request_authorization(launch.document().security_module(), request);
  if (!response) {
    if (is_worth_retrying(response.error())) return retry(std::move(launch), response.error());
    launch.give_up_or_refuse(response.error(), limits_);
    return commit(std::move(launch));
  }
  if (response->has_sealed_data()) {
    *launch.document().mutable_sealed_data() = response->sealed_data();
    launch.note(event::kSealedBySecurityModule);
    launch.document().set_waiting_since_ms(now_ms(clock_));
    launch.go_to(v1::Launch::STATE_STAGING);
    return commit(std::move(launch));
  }
  const auto& kind = host_kind(launch.record().tee);
  launch.document().set_question_id(response->question().question_id());
  const auto asked = kind.ask(launch, question_name(launch), response->question().question(), objects_);
  if (!asked) {
    if (is_worth_retrying(asked.error())) return retry(std::move(launch), asked.error());
    launch.give_up_or_refuse(asked.error(), limits_);
    return commit(std::move(launch));
  }
  if (kind.loads_first()) {
    launch.loads_under(response->question().question());
    launch.document().clear_waiting_since_ms();  // loading takes its time
  }
  launch.note(kind.loads_first() ? event::kSessionBySecurityModule : event::kHostQuestioned);
  launch.wait_in(v1::Launch::STATE_CHALLENGING_HOST, kind.time_to_answer(limits_));
  return commit(std::move(launch));
}

Status LaunchSteps::look_for_answer(Launch launch) {
  const auto& kind = host_kind(launch.record().tee);
  SEALIFT_TRY(const auto result, result_of(launch, kind.answer_command(question_name(launch))));
  if (!result) return wait_on(std::move(launch), "the host's answer");
  if (!result->has_answer()) {
    launch.give_up_target(why_not(*result), limits_);
    return commit(std::move(launch));
  }
  v1::AnswerQuestionRequest request;
  request.set_tenant(launch.record().tenant);
  request.set_image_id(launch.record().image_id);
  request.set_question_id(launch.document().question_id());
  request.set_answer(result->answer().answer());
  const auto response = security_modules_.answer_question(launch.document().security_module(), request);
  if (!response) {
    const auto code = response.error().code;
    const bool retries = is_worth_retrying(response.error());
    if (retries && kind.loads_first()) return retry(std::move(launch), response.error());
    // The question may have been used up by an answer that got lost: a new one is asked. Of a host that
    // loaded the image under it, another target is.
    if (retries || (code == ErrorCode::challenge_used && !kind.loads_first())) {
      launch.document().clear_question_id();
      launch.go_to(v1::Launch::STATE_ASKING_SM);
      return retry(std::move(launch), response.error());
    }
    launch.give_up_or_refuse(response.error(), limits_);
    return commit(std::move(launch));
  }
  launch.authorize(authorization_in(*response));
  launch.note(kind.loads_first() ? event::kMeasurementRelayed : event::kHostAnswered);
  launch.note(kind.loads_first() ? event::kSecretBySecurityModule : event::kSealedBySecurityModule);
  launch.document().set_waiting_since_ms(now_ms(clock_));
  launch.go_to(v1::Launch::STATE_STAGING);
  return commit(std::move(launch));
}

Status LaunchSteps::stage(Launch launch) {
  const auto& kind = host_kind(launch.record().tee);
  auto command = kind.dispatch(launch, objects_);
  if (!command) {
    if (is_worth_retrying(command.error())) return retry(std::move(launch), command.error());
    launch.give_up_or_refuse(command.error(), limits_);
    return commit(std::move(launch));
  }
  launch.command("start", std::move(*command));
  if (!kind.loads_first()) launch.note(event::kSealedDataInserted);
  launch.note(kind.loads_first() ? event::kReleased : event::kDispatched);
  launch.wait_in(v1::Launch::STATE_DISPATCHED, limits_.start);
  return commit(std::move(launch));
}

// The host's reports move a launch on (host_reports.h); here only where one got lost, or never came.
Status LaunchSteps::look_at_start(Launch launch) {
  SEALIFT_TRY(const auto result, result_of(launch, "start"));
  // One that was released is told of by its host's report.
  const bool released = result && result->has_started() && launch.is_on_host();
  if (!result || released) return wait_on(std::move(launch), "the guest's start");
  if (result->has_started()) {
    launch.note(event::kGuestStarted);
    launch.started(limits_);
  } else {
    launch.give_up_or_refuse(why_not(*result), limits_);
  }
  return commit(std::move(launch));
}

Status LaunchSteps::look_at_host(Launch launch) {
  SEALIFT_TRY(const auto host, stores_.hosts.get(launch.record().host_id));
  auto& document = launch.document();
  const auto now = now_ms(clock_);
  const auto lost_at = host.last_seen_ms + limits_.host_lost.count();
  if (lost_at > now) {
    document.set_waiting_since_ms(0);
    launch.wait_in(v1::Launch::STATE_RUNNING, milliseconds{lost_at - now});
  } else if (document.waiting_since_ms() == 0) {
    // The clock may have jumped: a host that lives is heard of before the second look.
    document.set_waiting_since_ms(now);
    launch.wait_in(v1::Launch::STATE_RUNNING, limits_.host_silence);
  } else if (!launch.is_overdue()) {
    launch.wait_on();
  } else {
    const Error why{ErrorCode::unavailable, "its host was not heard of for too long", "host", {}};
    launch.end({}, &why, limits_);
  }
  return commit(std::move(launch));
}

Status LaunchSteps::look_at_stop(Launch launch) {
  SEALIFT_TRY(const auto result, result_of(launch, "stop"));
  if (!result) return wait_on(std::move(launch), "the guest's end");
  launch.note(event::kGuestEnded);
  launch.end({}, nullptr, limits_);
  return commit(std::move(launch));
}

Status LaunchSteps::clean_up(Launch launch) {
  objects_.remove_head(launch.record().launch_id);
  SEALIFT_CHECK(stores_.commands.remove_of(launch.record().launch_id));
  return rest(std::move(launch));
}

Status LaunchSteps::rest(Launch launch) {
  launch.rest_in(launch.state());
  return commit(std::move(launch));
}

Status LaunchSteps::wait_on(Launch launch, const char* what) {
  if (!launch.is_overdue()) {
    launch.wait_on();
    return commit(std::move(launch));
  }
  const Error why{ErrorCode::timeout, fmt::format("waited too long for {}", what), launch.record().state, {}};
  switch (launch.state()) {
    case v1::Launch::STATE_AWAITING_CUSTOMER:
      launch.refuse(why, limits_);
      break;
    case v1::Launch::STATE_DISPATCHED:
      // It may run there all the same: the host is told to stop it, and no other host gets it.
      launch.command("stop", stop_command());
      launch.refuse(why, limits_);
      break;
    case v1::Launch::STATE_STOPPING:
      launch.end({}, &why, limits_);
      break;
    default:
      launch.give_up_target(why, limits_);
  }
  return commit(std::move(launch));
}

}  // namespace sealift::orchestrator
