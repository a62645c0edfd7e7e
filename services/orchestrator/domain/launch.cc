// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/launch.h"

#include <algorithm>
#include <cassert>
#include <cctype>

namespace sealift::orchestrator {
namespace {

constexpr std::string_view kPrefix = "STATE_";
constexpr std::size_t kMaxText = 1024;

std::string cut(const std::string& text) { return text.substr(0, kMaxText); }

void set_refusal(store::LaunchEvent& event, const Error& why) {
  event.verdict = "refused";
  event.code = std::string{name(why.code)};
  event.field = cut(why.field);
  event.message = cut(why.message);
  event.expected = cut(why.expected);
  event.found = cut(why.found);
}

}  // namespace

std::string state_name(State state) {
  auto text = v1::Launch::State_Name(state).substr(kPrefix.size());
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

State state_from_name(std::string_view name) {
  std::string text{kPrefix};
  std::ranges::transform(name, std::back_inserter(text), [](unsigned char c) { return std::toupper(c); });
  State state = v1::Launch::STATE_UNSPECIFIED;
  v1::Launch::State_Parse(text, &state);
  return state;
}

bool is_final(State state) { return state == v1::Launch::STATE_ENDED || state == v1::Launch::STATE_REFUSED; }

Result<Launch> Launch::read(store::LaunchRecord record, std::int64_t now_ms) {
  state::v1::LaunchDocument document;
  const bool parsed =
      document.ParseFromArray(record.document.data(), static_cast<int>(record.document.size()));
  if (!parsed || state_from_name(record.state) == v1::Launch::STATE_UNSPECIFIED)
    return fail(ErrorCode::malformed, "the record of launch " + record.launch_id + " is damaged", "document");
  return Launch{std::move(record), std::move(document), now_ms};
}

Launch::Launch(store::LaunchRecord record, state::v1::LaunchDocument document, std::int64_t now_ms)
    : document_{std::move(document)}, now_ms_{now_ms} {
  change_.expected_version = record.version;
  change_.record = std::move(record);
}

State Launch::state() const { return state_from_name(record().state); }
bool Launch::keeps_key() const { return record().key_model == "keep"; }

store::LaunchEvent& Launch::add_event(const EventKind& kind) {
  store::LaunchEvent event;
  event.launch_id = record().launch_id;
  event.time_ms = now_ms_;
  event.step = std::string{kind.step};
  event.name = std::string{kind.name};
  event.actor = std::string{kind.actor};
  event.verdict = "done";
  event.host_id = record().host_id;
  return change_.events.emplace_back(std::move(event));
}

void Launch::note(const EventKind& kind) { add_event(kind); }
void Launch::note_refusal(const EventKind& kind, const Error& why) { set_refusal(add_event(kind), why); }

void Launch::note_host_event(const std::string& name, const EventKind& like, const Error* refused) {
  auto& event = add_event(like);
  event.name = cut(name);
  if (refused != nullptr) set_refusal(event, *refused);
}

void Launch::wait_in(State state, milliseconds limit) {
  record().state = state_name(state);
  record().due_at_ms = now_ms_ + limit.count();
  document_.set_deadline_ms(record().due_at_ms);
}

void Launch::rest_in(State state) {
  wait_in(state, milliseconds{0});
  record().due_at_ms = store::kNeverDue;
}

void Launch::take_target(const store::HostRecord& host) {
  record().host_id = host.host_id;
  record().attempt += 1;
  change_.reserve = store::Reservation{host.host_id, record().cpus, record().memory_mib};
  note(event::kTargetSelected);
}

void Launch::authorize(const Authorization& authorization) {
  document_.clear_sealed_data();
  document_.clear_launch_secret();
  if (authorization.sealed_data.ByteSizeLong() > 0)
    *document_.mutable_sealed_data() = authorization.sealed_data;
  if (authorization.launch_secret.ByteSizeLong() > 0)
    *document_.mutable_launch_secret() = authorization.launch_secret;
}

bool Launch::is_authorized_by(const Authorization& authorization) const {
  return document_.sealed_data().SerializeAsString() == authorization.sealed_data.SerializeAsString() &&
         document_.launch_secret().SerializeAsString() == authorization.launch_secret.SerializeAsString();
}

void Launch::release() {
  change_.release = true;
  change_.reserve.reset();
}

void Launch::give_up_target(const Error& why, const Limits& limits) {
  note_refusal(event::kTargetGivenUp, why);
  release();
  record().excluded_hosts.push_back(record().host_id);
  record().host_id.clear();
  document_.clear_evidence();
  document_.clear_question_id();
  document_.clear_questions();
  document_.clear_question();
  document_.clear_sealed_data();
  document_.clear_launch_secret();
  document_.clear_instance_sequence();
  *document_.mutable_given_up() = to_message(why);
  if (record().attempt >= limits.max_targets) return refuse(why, limits);
  go_to(v1::Launch::STATE_REQUESTED);
}

void Launch::give_up_or_refuse(const Error& why, const Limits& limits) {
  if (is_of_the_host(why.code)) return give_up_target(why, limits);
  refuse(why, limits);
}

void Launch::finish(State state, const Limits& limits) {
  release();
  wait_in(state, limits.keep);
  record().ended_at_ms = now_ms_;
}

void Launch::refuse(const Error& why, const Limits& limits) {
  note_refusal(event::kRefused, why);
  record().refusal_code = std::string{name(why.code)};
  record().refusal_field = cut(why.field);
  record().refusal_message = cut(why.message);
  record().refusal_expected = cut(why.expected);
  record().refusal_found = cut(why.found);
  finish(v1::Launch::STATE_REFUSED, limits);
}

void Launch::end(std::optional<std::int32_t> exit_status, const Error* why, const Limits& limits) {
  if (why != nullptr) {
    note_refusal(event::kGuestLost, *why);
    record().refusal_code = std::string{name(why->code)};
    record().refusal_message = cut(why->message);
  }
  record().exit_status = exit_status.value_or(0);
  finish(v1::Launch::STATE_ENDED, limits);
}

void Launch::started(const Limits& limits) {
  record().started_at_ms = now_ms_;
  document_.set_waiting_since_ms(0);
  wait_in(v1::Launch::STATE_RUNNING, limits.host_lost);
}

std::string Launch::command_id(std::string_view name) const {
  return record().launch_id + "/" + std::to_string(record().attempt) + "/" + std::string{name};
}

v1::Command Launch::addressed(std::string_view name, v1::Command body) const {
  body.set_command_id(command_id(name));
  body.set_launch_id(record().launch_id);
  body.set_attempt(static_cast<std::uint32_t>(record().attempt));
  return body;
}

store::HostCommand Launch::make_command(std::string_view name, v1::Command body) const {
  store::HostCommand command;
  command.command_id = command_id(name);
  command.host_id = record().host_id;
  command.launch_id = record().launch_id;
  command.kind = std::string{name};
  const auto bytes = addressed(name, std::move(body)).SerializeAsString();
  command.payload.assign(bytes.begin(), bytes.end());
  command.created_at_ms = now_ms_;
  return command;
}

store::LaunchChange Launch::change() && {
  const auto bytes = document_.SerializeAsString();
  change_.record.document.assign(bytes.begin(), bytes.end());
  change_.record.lease_owner.clear();
  change_.record.lease_until_ms = 0;
  return std::move(change_);
}

v1::Command stop_command() {
  v1::Command command;
  command.mutable_stop_instance();
  return command;
}

v1::Refusal to_message(const Error& error) {
  v1::Refusal refusal;
  refusal.set_code(std::string{name(error.code)});
  refusal.set_field(error.field);
  refusal.set_message(error.message);
  refusal.set_remedy(std::string{remedy(error.code)});
  refusal.set_expected(error.expected);
  refusal.set_found(error.found);
  return refusal;
}

Error from_message(const v1::Refusal& refusal) {
  auto code = error_code_from_name(refusal.code());
  if (code == ErrorCode::internal) code = ErrorCode::malformed;
  auto message = cut(refusal.message());
  if (message.empty()) message = "refused without a word why";
  return Error{code, std::move(message),      cut(refusal.field()),
               {},   cut(refusal.expected()), cut(refusal.found())};
}

Error why_not(const v1::CompleteCommandRequest& result) {
  if (result.has_refusal()) return from_message(result.refusal());
  return Error{ErrorCode::malformed, "the host answered what it was not asked", "result", {}};
}

v1::Launch to_message(const store::LaunchRecord& record) {
  v1::Launch launch;
  launch.set_launch_id(record.launch_id);
  launch.set_image_id(record.image_id);
  launch.set_key_model(record.key_model == "keep" ? v1::KEY_MODEL_KEEP : v1::KEY_MODEL_BRING);
  launch.set_state(state_from_name(record.state));
  launch.set_zone(record.zone);
  launch.set_cpus(static_cast<std::uint32_t>(record.cpus));
  launch.set_memory_mib(static_cast<std::uint32_t>(record.memory_mib));
  launch.set_attempt(static_cast<std::uint32_t>(record.attempt));
  launch.set_created_at_ms(record.created_at_ms);
  launch.set_started_at_ms(record.started_at_ms);
  launch.set_ended_at_ms(record.ended_at_ms);
  launch.set_exit_status(static_cast<std::int32_t>(record.exit_status));
  if (!record.refusal_code.empty()) {
    *launch.mutable_refusal() = to_message(Error{error_code_from_name(record.refusal_code),
                                                 record.refusal_message,
                                                 record.refusal_field,
                                                 {},
                                                 record.refusal_expected,
                                                 record.refusal_found});
  }
  return launch;
}

v1::LaunchEvent to_message(const store::LaunchEvent& event) {
  v1::LaunchEvent message;
  message.set_launch_id(event.launch_id);
  message.set_sequence(static_cast<std::uint32_t>(event.seq));
  message.set_time_ms(event.time_ms);
  message.set_step(event.step);
  message.set_name(event.name);
  message.set_actor(event.actor);
  message.set_verdict(event.verdict == "refused" ? v1::LaunchEvent::VERDICT_REFUSED
                                                 : v1::LaunchEvent::VERDICT_DONE);
  if (!event.code.empty()) {
    *message.mutable_refusal() = to_message(
        Error{error_code_from_name(event.code), event.message, event.field, {}, event.expected, event.found});
  }
  return message;
}

bool is_of_the_host(ErrorCode code) {
  switch (code) {
    // The image itself is not what was sealed: no host will find it so.
    case ErrorCode::operand_missing:
    case ErrorCode::operand_malformed:
    case ErrorCode::operand_full:
    case ErrorCode::hmac_differs:
    case ErrorCode::kernel_differs:
    case ErrorCode::initramfs_differs:
    case ErrorCode::cmdline_differs:
    case ErrorCode::launch_measurement_differs:
    // Nor is it the host's fault that the SM does not know the image or the caller, or the customer says no.
    case ErrorCode::not_found:
    case ErrorCode::invalid_argument:
    case ErrorCode::permission_denied:
    case ErrorCode::canceled:
      return false;
    default:
      return true;
  }
}

}  // namespace sealift::orchestrator
