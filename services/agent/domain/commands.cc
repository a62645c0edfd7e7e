// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/commands.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::agent {
namespace {

constexpr std::size_t kMaxCommandId = 200;

bool is_command_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxCommandId &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
}

using CommandResult = Result<v1::CompleteCommandRequest>;

CommandResult get_evidence(Platform& platform) {
  SEALIFT_TRY(const auto evidence, platform.evidence());
  v1::CompleteCommandRequest result;
  result.mutable_evidence()->set_evidence(std::string{as_text(evidence)});
  return result;
}

CommandResult answer_question(Platform& platform, const std::string& question) {
  if (question.empty() || question.size() > kMaxQuestion)
    return fail(ErrorCode::invalid_argument, "the question is empty or too large", "question");
  SEALIFT_TRY(const auto answer, platform.answer(as_bytes(question)));
  v1::CompleteCommandRequest result;
  result.mutable_answer()->set_answer(std::string{as_text(answer)});
  return result;
}

CommandResult release(Instances& instances, const v1::Command& command) {
  SEALIFT_TRY(const auto name, InstanceName::make(command.launch_id(), command.attempt()));
  SEALIFT_CHECK(instances.release(name, command.release_instance().secret()));
  v1::CompleteCommandRequest result;
  result.mutable_started();
  return result;
}

CommandResult read_console(Instances& instances, const v1::Command& command, const std::stop_token& stop) {
  SEALIFT_TRY(const auto name, InstanceName::make(command.launch_id(), command.attempt()));
  const auto& asked = command.read_console();
  v1::CompleteCommandRequest result;
  SEALIFT_TRY(*result.mutable_console(),
              instances.read_console(name, asked.offset(), milliseconds{asked.wait_ms()}, stop));
  return result;
}

}  // namespace

Commands::Commands(World& world, Instances& instances, Platform& platform)
    : world_{world},
      instances_{instances},
      platform_{platform},
      tpm_{1, world.limits.waiting_commands},
      consoles_{world.limits.console_readers, world.limits.waiting_commands} {}

Status Commands::take(const v1::Command& command) {
  if (!is_command_id(command.command_id())) {
    world_.log("command without a usable id: passed over");
    return {};
  }
  const auto taken = dispatch(command);
  if (taken || taken.error().code == ErrorCode::canceled) return taken;
  world_.log(fmt::format("command {}: {}: {}", command.command_id(), name(taken.error().code),
                         taken.error().message));
  world_.completions.refuse(command.command_id(), taken.error());
  return {};
}

/// canceled: nothing was done, the command is to come again. Any other error is its result.
Status Commands::dispatch(const v1::Command& command) {
  const auto& id = command.command_id();
  switch (command.command_case()) {
    case v1::Command::kGetEvidence:
      return post(tpm_, id, [this](const std::stop_token&) { return get_evidence(platform_); });
    case v1::Command::kAnswerQuestion:
      return post(tpm_, id, [this, question = command.answer_question().question()](const std::stop_token&) {
        return answer_question(platform_, question);
      });
    case v1::Command::kReadConsole:
      return post(consoles_, id, [this, command](const std::stop_token& stop) {
        return read_console(instances_, command, stop);
      });
    case v1::Command::kStartInstance:
      return start(command);
    case v1::Command::kReleaseInstance:
      return post(tpm_, id, [this, command](const std::stop_token&) { return release(instances_, command); });
    case v1::Command::kStopInstance: {
      SEALIFT_TRY(const auto name, InstanceName::make(command.launch_id(), command.attempt()));
      return instances_.stop(id, name);
    }
    default:
      return fail(ErrorCode::unimplemented, "this host does not know such a command", "command");
  }
}

Status Commands::start(const v1::Command& command) {
  SEALIFT_TRY(const auto name, InstanceName::make(command.launch_id(), command.attempt()));
  SEALIFT_TRY(auto order, check_start(name, command.start_instance()));
  return instances_.start(command.command_id(), std::move(order));
}

Status Commands::post(Lane& lane, const std::string& command_id, Work work) {
  const std::lock_guard lock{mutex_};
  if (!in_work_.insert(command_id).second) return {};
  const bool posted = lane.post([this, command_id, work = std::move(work)](const std::stop_token& stop) {
    auto result = work(stop);
    if (result) {
      result->set_command_id(command_id);
      world_.completions.add(*std::move(result));
    } else {
      world_.log(
          fmt::format("command {}: {}: {}", command_id, name(result.error().code), result.error().message));
      world_.completions.refuse(command_id, result.error());
    }
    const std::lock_guard done{mutex_};
    in_work_.erase(command_id);
  });
  if (posted) return {};
  in_work_.erase(command_id);
  return fail(ErrorCode::canceled, "too many commands wait: the stream begins anew");
}

}  // namespace sealift::agent
