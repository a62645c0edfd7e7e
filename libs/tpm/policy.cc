// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <vector>

namespace sealift::tpm {
namespace {

constexpr std::size_t kMostBranches = 8;  // Part 2, TPML_DIGEST

Digest zeros(HashAlgorithm hash) {
  constexpr std::array<std::uint8_t, 64> kZeros{};
  return Digest{ByteView{kZeros}.first(crypto::digest_size(hash))};
}

}  // namespace

Policy::Policy(HashAlgorithm hash) : hash_{hash}, digest_{zeros(hash)} {}

Policy& Policy::extend(std::uint32_t command, ByteView arguments) {
  const auto code = std::move(ByteWriter{}.be32(command)).take();
  digest_ = crypto::digest(hash_, {digest_.view(), code, arguments});
  return *this;
}

Policy& Policy::pcr(const PcrValues& values) {
  const auto digest = values.digest(hash_);
  return extend(TPM2_CC_PolicyPCR,
                std::move(ByteWriter{}.bytes(values.selection().marshalled()).bytes(digest.view())).take());
}

// Part 3, clause 23.2.3, PolicyUpdate(): the reference is hashed in a second step, even when it is empty.
Policy& Policy::update(std::uint32_t command, const Name& entity, ByteView policy_ref) {
  extend(command, entity.view());
  digest_ = crypto::digest(hash_, {digest_.view(), policy_ref});
  return *this;
}

Policy& Policy::secret(const Name& entity, ByteView policy_ref) {
  return update(TPM2_CC_PolicySecret, entity, policy_ref);
}

Policy& Policy::command_code(std::uint32_t command) {
  return extend(TPM2_CC_PolicyCommandCode, std::move(ByteWriter{}.be32(command)).take());
}

// Part 3, clause 23.9: the comparison is hashed first.
Policy& Policy::nv(const Name& index, NvComparison comparison, ByteView operand) {
  const auto arguments =
      std::move(ByteWriter{}.bytes(operand).be16(0).be16(static_cast<std::uint16_t>(comparison))).take();
  const auto hashed = crypto::digest(hash_, arguments);
  return extend(TPM2_CC_PolicyNV, std::move(ByteWriter{}.bytes(hashed.view()).bytes(index.view())).take());
}

Policy& Policy::cp_hash(const Digest& command) { return extend(TPM2_CC_PolicyCpHash, command.view()); }

Policy& Policy::auth_value() { return extend(TPM2_CC_PolicyAuthValue, {}); }

Policy& Policy::authorize(const Name& signer, ByteView policy_ref) {
  digest_ = zeros(hash_);
  return update(TPM2_CC_PolicyAuthorize, signer, policy_ref);
}

Result<Policy> Policy::any_of(std::span<const Digest> branches, HashAlgorithm hash) {
  if (branches.size() < 2 || branches.size() > kMostBranches) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("a TPM can choose between 2 to {} policies, not {}", kMostBranches, branches.size()),
        "branches");
  }
  ByteWriter all;
  for (const auto& branch : branches) {
    if (branch.size() != crypto::digest_size(hash)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("a policy digest of {} bytes, where {} are expected", branch.size(),
                              crypto::digest_size(hash)),
                  "branches");
    }
    all.bytes(branch.view());
  }
  Policy policy{hash};
  policy.extend(TPM2_CC_PolicyOR, all.view());
  return policy;
}

}  // namespace sealift::tpm
