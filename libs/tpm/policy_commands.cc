// SPDX-License-Identifier: Apache-2.0
#include <tss2/tss2_tpm2_types.h>

#include "tpm/commands.h"

namespace sealift::tpm {
namespace {

/// The reply has no parameters that matter.
Status run(Tpm& tpm, TpmCommand& command) {
  SEALIFT_TRY(const auto response, command.run(tpm));
  return {};
}

}  // namespace

Status policy_secret(Tpm& tpm, const Entity& entity, Session& session, const Session& policy) {
  TpmCommand command{"TPM2_PolicySecret", TPM2_CC_PolicySecret};
  // No nonceTPM, cpHashA, policyRef or expiration: for this session, for any use, without a reference.
  command.authorize(entity, session).handle(policy.handle()).sized({}).sized({}).sized({}).be32(0);
  return run(tpm, command);
}

Status policy_pcr(Tpm& tpm, const Session& policy, const PcrSelection& selection) {
  TpmCommand command{"TPM2_PolicyPCR", TPM2_CC_PolicyPCR};
  command.handle(policy.handle()).sized({}).bytes(selection.marshalled());
  return run(tpm, command);
}

Status policy_command_code(Tpm& tpm, const Session& policy, std::uint32_t command_code) {
  TpmCommand command{"TPM2_PolicyCommandCode", TPM2_CC_PolicyCommandCode};
  command.handle(policy.handle()).be32(command_code);
  return run(tpm, command);
}

Status policy_nv(Tpm& tpm, const Session& policy, const Entity& index, NvComparison comparison,
                 ByteView operand) {
  auto empty = Session::empty_auth();
  TpmCommand command{"TPM2_PolicyNV", TPM2_CC_PolicyNV};
  command.authorize(index, empty).handle(index).handle(policy.handle());
  command.sized(operand).be16(0).be16(static_cast<std::uint16_t>(comparison));
  return run(tpm, command);
}

Status policy_cp_hash(Tpm& tpm, const Session& policy, const Digest& command_hash) {
  TpmCommand command{"TPM2_PolicyCpHash", TPM2_CC_PolicyCpHash};
  command.handle(policy.handle()).sized(command_hash.view());
  return run(tpm, command);
}

Status policy_or(Tpm& tpm, const Session& policy, std::span<const Digest> branches) {
  TpmCommand command{"TPM2_PolicyOR", TPM2_CC_PolicyOR};
  command.handle(policy.handle()).be32(static_cast<std::uint32_t>(branches.size()));
  for (const auto& branch : branches) command.sized(branch.view());
  return run(tpm, command);
}

Status policy_authorize(Tpm& tpm, const Session& policy, const Digest& approved, ByteView policy_ref,
                        const Name& signer, ByteView ticket) {
  TpmCommand command{"TPM2_PolicyAuthorize", TPM2_CC_PolicyAuthorize};
  command.handle(policy.handle()).sized(approved.view()).sized(policy_ref).sized(signer.view());
  command.bytes(ticket);
  return run(tpm, command);
}

}  // namespace sealift::tpm
