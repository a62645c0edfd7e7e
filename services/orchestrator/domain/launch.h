// SPDX-License-Identifier: Apache-2.0
/// One launch while a step is taken with it: what its store has, and what is to be written in one
/// transaction. Nothing here waits or talks to anybody.
#pragma once

#include <optional>
#include <string>

#include "sealift/state/v1/state.pb.h"
#include "sealift/v1/hosts.pb.h"
#include "services/orchestrator/domain/event.h"
#include "services/orchestrator/domain/limits.h"
#include "store/launches.h"

namespace sealift::orchestrator {

using State = v1::Launch::State;

/// As the store has it: "awaiting_customer". The names follow the proto's.
std::string state_name(State state);
State state_from_name(std::string_view name);
bool is_final(State state);

/// What a verifier gave: one of the two.
struct Authorization {
  v1::SealedData sealed_data = {};
  v1::LaunchSecret launch_secret = {};
};

/// The one of AnswerQuestionResponse, AuthorizeTargetRequest.
template <typename Message>
Authorization authorization_in(const Message& message) {
  return {message.sealed_data(), message.launch_secret()};
}

class Launch {
 public:
  /// malformed where the record's document is not ours.
  static Result<Launch> read(store::LaunchRecord record, std::int64_t now_ms);

  const store::LaunchRecord& record() const { return change_.record; }
  store::LaunchRecord& record() { return change_.record; }
  const state::v1::LaunchDocument& document() const { return document_; }
  state::v1::LaunchDocument& document() { return document_; }
  State state() const;
  bool keeps_key() const;

  void note(const EventKind& kind);
  void note_refusal(const EventKind& kind, const Error& why);
  /// An event that the host told of, in its words.
  void note_host_event(const std::string& name, const EventKind& like, const Error* refused);

  /// Looked at again after `limit`, or when something happens.
  void wait_in(State state, milliseconds limit);
  /// The next step comes at once.
  void go_to(State state) { wait_in(state, milliseconds{0}); }
  /// Nothing is to be done until somebody calls.
  void rest_in(State state);
  /// Waits on: what woke us was not what we wait for.
  void wait_on() { record().due_at_ms = document_.deadline_ms(); }
  /// Looked at again after `delay`, with the deadline as it was.
  void try_again_in(milliseconds delay) { record().due_at_ms = now_ms_ + delay.count(); }
  bool is_overdue() const { return now_ms_ >= document_.deadline_ms(); }

  /// Its target loads the image under this question, before it is authorized.
  void loads_under(const std::string& question) { document_.set_question(question); }
  bool is_on_host() const { return !document_.question().empty(); }
  void authorize(const Authorization& authorization);
  bool is_authorized_by(const Authorization& authorization) const;

  void take_target(const store::HostRecord& host);
  /// Another target, or the end where enough were tried.
  void give_up_target(const Error& why, const Limits& limits);
  /// The one or the other, by what is wrong.
  void give_up_or_refuse(const Error& why, const Limits& limits);
  void refuse(const Error& why, const Limits& limits);
  /// The guest is gone; `why` where it was lost.
  void end(std::optional<std::int32_t> exit_status, const Error* why, const Limits& limits);
  /// Now runs on its target.
  void started(const Limits& limits);

  /// "LAUNCH/ATTEMPT/NAME"
  std::string command_id(std::string_view name) const;
  /// `body` as a command for its target.
  v1::Command addressed(std::string_view name, v1::Command body) const;
  store::HostCommand make_command(std::string_view name, v1::Command body) const;
  /// For its target, beside this change.
  void command(std::string_view name, v1::Command body) {
    change_.commands.push_back(make_command(name, std::move(body)));
  }

  store::LaunchChange change() &&;

 private:
  Launch(store::LaunchRecord record, state::v1::LaunchDocument document, std::int64_t now_ms);
  store::LaunchEvent& add_event(const EventKind& kind);
  void release();
  void finish(State state, const Limits& limits);

  store::LaunchChange change_;
  state::v1::LaunchDocument document_;
  std::int64_t now_ms_;
};

v1::Command stop_command();

/// For clients.
v1::Launch to_message(const store::LaunchRecord& record);
v1::LaunchEvent to_message(const store::LaunchEvent& event);
v1::Refusal to_message(const Error& error);
/// What a peer says that went wrong. An unknown code becomes `malformed`, and `internal` as well: a defect of
/// theirs is none of ours. Texts are cut to 1 KiB.
Error from_message(const v1::Refusal& refusal);
/// Of a result that is not the one asked for: its refusal, or malformed where it is none.
Error why_not(const v1::CompleteCommandRequest& result);

/// Whether another host may do what this one refused.
bool is_of_the_host(ErrorCode code);

}  // namespace sealift::orchestrator
