// SPDX-License-Identifier: Apache-2.0
/// What a launch does by itself: one step at a time, each recorded before the next (design section 4).
///
/// Any replica may take the next step of any launch whose lease is free. A step that was interrupted is taken
/// again: asking twice is harmless everywhere, because commands, sealed data and heads carry the launch's own
/// name.
#pragma once

#include "base/clock.h"
#include "services/orchestrator/domain/launch.h"
#include "services/orchestrator/domain/ports.h"
#include "services/orchestrator/domain/signal.h"
#include "store/commands.h"
#include "store/hosts.h"

namespace sealift::orchestrator {

struct Stores {
  store::LaunchStore& launches;
  store::HostStore& hosts;
  store::CommandStore& commands;
};

std::int64_t now_ms(const Clock& clock);

class LaunchSteps {
 public:
  LaunchSteps(Stores stores, SecurityModules& security_modules, Objects& objects, Signal& signal,
              const Clock& clock, const Limits& limits)
      : stores_{stores},
        security_modules_{security_modules},
        objects_{objects},
        signal_{signal},
        clock_{clock},
        limits_{limits} {}

  /// Launches whose next step is due, at most `limit`, leased to `owner`.
  Result<std::vector<store::LaunchRecord>> claim(const std::string& owner, int limit);
  /// Takes the next step of one of these.
  Status step(store::LaunchRecord record, const std::string& owner);

 private:
  Status step(Launch launch);
  Status commit(Launch launch);
  Status select_target(Launch launch);
  Status look_for_evidence(Launch launch);
  Status ask_security_module(Launch launch);
  Status look_for_answer(Launch launch);
  Status stage(Launch launch);
  Status look_at_start(Launch launch);
  Status look_at_host(Launch launch);
  Status look_at_stop(Launch launch);
  Status clean_up(Launch launch);
  Status rest(Launch launch);
  /// Nothing came yet: waits on, or gives up where the deadline has passed.
  Status wait_on(Launch launch, const char* what);
  /// Something of ours did not answer: asked again for a while.
  Status retry(Launch launch, const Error& why);
  Result<std::optional<v1::CompleteCommandRequest>> result_of(const Launch& launch, std::string_view command);

  Stores stores_;
  SecurityModules& security_modules_;
  Objects& objects_;
  Signal& signal_;
  const Clock& clock_;
  const Limits& limits_;
};

}  // namespace sealift::orchestrator
