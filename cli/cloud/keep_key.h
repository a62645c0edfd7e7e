// SPDX-License-Identifier: Apache-2.0
/// Keep your own key: this computer proves the host that the cloud selected, and seals the seed to it (design
/// section 4, steps 330 to 436). Front end, orchestrator and agent only relay: what they alter is found out
/// here or by the host's TPM.
#pragma once

#include "base/clock.h"
#include "cli/approval.h"
#include "formats/esm/operand.h"
#include "rpc/client.h"
#include "sealift/v1/launches.pb.h"

namespace sealift::cli {

class KeyKeeper {
 public:
  KeyKeeper(rpc::Channel& frontend, tee::MeasuredPolicy policy, esm::Seed seed, const Clock& clock)
      : frontend_{frontend}, policy_{std::move(policy)}, seed_{std::move(seed)}, clock_{clock} {}

  /// Proves the launch's present target and authorizes it. One that does not hold is refused, and another one
  /// asked for: then this succeeds, and the launch's next event tells. Fails where the cloud does not answer.
  Status serve(const std::string& launch_id);

 private:
  Result<v1::SealedData> prove_and_seal(const std::string& launch_id, const v1::Target& target);
  Status refuse(const std::string& launch_id, const v1::Target& target, const Error& why);

  rpc::Channel& frontend_;
  tee::MeasuredPolicy policy_;
  esm::Seed seed_;
  const Clock& clock_;
};

}  // namespace sealift::cli
