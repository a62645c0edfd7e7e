// SPDX-License-Identifier: Apache-2.0
/// What differs between kinds of hosts in the life of a launch (adr/0022). The steps are the same for all:
/// evidence, question, answer, authorization, dispatch. Hosts that open seals answer for themselves, and get
/// the image with the authorization in it. Hosts that measure what they load answer for the image, too: they
/// get it with the question, keep it paused, and run it once they are authorized.
#pragma once

#include "services/orchestrator/domain/launch.h"
#include "services/orchestrator/domain/ports.h"

namespace sealift::orchestrator {

class HostKind {
 public:
  virtual ~HostKind() = default;
  /// Whether the host gets the image with the question, and may have it before the dispatch.
  virtual bool loads_first() const = 0;
  virtual Status check_head(const v1::InstanceImage& image) const = 0;

  /// The command that takes a question to the host; `name` is that of questions that are not loaded under.
  virtual Status ask(Launch& launch, const std::string& name, const std::string& question,
                     Objects& objects) const = 0;
  virtual std::string answer_command(const std::string& name) const = 0;
  virtual milliseconds time_to_answer(const Limits& limits) const = 0;

  /// invalid_argument or sealed_data_refused where it does not authorize this kind of host.
  virtual Status check(const Launch& launch, const Authorization& authorization) const = 0;
  /// "start": with it the guest may run.
  virtual Result<v1::Command> dispatch(const Launch& launch, Objects& objects) const = 0;

  /// "guest_loaded", and how this kind calls the guest's start.
  virtual EventKind host_event(std::string_view name) const = 0;
};

const HostKind& host_kind(std::string_view tee);

}  // namespace sealift::orchestrator
