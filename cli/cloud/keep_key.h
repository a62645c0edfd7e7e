// SPDX-License-Identifier: Apache-2.0
/// Keep your own key: this computer proves the host that the cloud selected, and seals the seed to it (design
/// section 4, steps 330 to 436). Front end, orchestrator and agent only relay: what they alter is found out
/// here or by the host's TPM.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "cli/approval.h"
#include "formats/esm/operand.h"
#include "rpc/client.h"
#include "sealift/v1/launches.pb.h"

namespace sealift::cli {

/// Takes a question to the target, and its answer back.
using Ask = std::function<Result<Bytes>(ByteView question)>;

/// Proves one target, of the kind that it is for, and makes what authorizes it.
class Prover {
 public:
  virtual ~Prover() = default;
  virtual std::string_view tee() const noexcept = 0;
  /// Its question makes the host load an image first, which may take a while to fetch: who asks again gets
  /// the same answer.
  virtual bool is_answered_late() const noexcept { return false; }
  /// With sealed data or a launch secret in it.
  virtual Result<v1::AuthorizeTargetRequest> prove(ByteView evidence, const Ask& ask) = 0;
};

class KeyKeeper {
 public:
  KeyKeeper(rpc::Channel& frontend, std::unique_ptr<Prover> prover)
      : frontend_{frontend}, prover_{std::move(prover)} {}
  /// Of measured or pef hosts.
  KeyKeeper(rpc::Channel& frontend, tee::MeasuredPolicy policy, esm::Seed seed, const Clock& clock,
            std::string tee = "measured");

  /// Proves the launch's present target and authorizes it. One that does not hold is refused, and another one
  /// asked for: then this succeeds, and the launch's next event tells. Fails where the cloud does not answer.
  Status serve(const std::string& launch_id);

 private:
  Result<v1::AuthorizeTargetRequest> prove(const std::string& launch_id, const v1::Target& target);
  Result<Bytes> ask(const std::string& launch_id, const v1::Target& target, ByteView question);
  Status refuse(const std::string& launch_id, const v1::Target& target, const Error& why);

  rpc::Channel& frontend_;
  std::unique_ptr<Prover> prover_;
};

}  // namespace sealift::cli
