// SPDX-License-Identifier: Apache-2.0
/// Keep your own key, on SEV: this computer agrees on a session with the target's PSP, verifies what was
/// loaded there, and makes the secret for that launch alone (design section 4, 1025 to 1099).
#pragma once

#include "cli/cloud/keep_key.h"
#include "cli/sev/owner_options.h"

namespace sealift::cli {

class SevProver final : public Prover {
 public:
  SevProver(sev::LaunchPolicy policy, SecretBytes secret_table, const Clock& clock)
      : policy_{std::move(policy)}, table_{std::move(secret_table)}, clock_{clock} {}
  std::string_view tee() const noexcept override { return "sev"; }
  bool is_answered_late() const noexcept override { return true; }
  Result<v1::AuthorizeTargetRequest> prove(ByteView evidence, const Ask& ask) override;

 private:
  sev::LaunchPolicy policy_;
  SecretBytes table_;
  const Clock& clock_;
};

}  // namespace sealift::cli
