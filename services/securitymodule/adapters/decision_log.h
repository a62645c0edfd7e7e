// SPDX-License-Identifier: Apache-2.0
/// Decisions as one JSON object to a line:
/// {"time":"2026-06-01T00:00:00Z","action":"put_seed","asker":"spiffe://…","tenant":"acme","image":"…","host":"…",
///  "verdict":"accepted","trace":"…"}; a refusal has the verdict "refused", and "code", "field", "message"
///  and "detail".
#pragma once

#include "base/clock.h"
#include "services/securitymodule/domain/decision.h"

namespace sealift::securitymodule {

/// Texts may come from anybody: no line of the log is longer than the others' by much, and none ends early.
std::string line_of(const Decision& decision, const Error* refusal, TimePoint time);

class FileDecisionLog final : public DecisionLog {
 public:
  /// `fd` outlives it; each line is one write(2).
  FileDecisionLog(int fd, const Clock& clock) : fd_{fd}, clock_{clock} {}
  void record(const Decision& decision, const Error* refusal) override;

 private:
  int fd_;
  const Clock& clock_;
};

}  // namespace sealift::securitymodule
