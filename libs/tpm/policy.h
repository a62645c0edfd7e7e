// SPDX-License-Identifier: Apache-2.0
/// Policy digests, computed without a TPM (TPM 2.0 Library, Part 3, clause 23).
#pragma once

#include <span>

#include "tpm/types.h"

namespace sealift::tpm {

/// How an index's content must compare with an operand, both unsigned and big-endian (TPM_EO, Part 2, table
/// 18).
enum class NvComparison : std::uint16_t { less = 5, at_most = 9 };

/// A policy as its digest grows, step by step, in the order in which a session must take the steps:
/// `Policy{}.secret(index).pcr(values).digest()`. A new one is all zeros, which no session can satisfy.
class Policy {
 public:
  explicit Policy(HashAlgorithm hash = HashAlgorithm::sha256);

  /// TPM2_PolicyPCR: these PCRs have these values.
  Policy& pcr(const PcrValues& values);
  /// TPM2_PolicySecret: the caller knows the auth value of `entity`.
  Policy& secret(const Name& entity, ByteView policy_ref = {});
  /// TPM2_PolicyCommandCode: for this command (TPM_CC) only.
  Policy& command_code(std::uint32_t command);
  /// TPM2_PolicyNV: what `index` holds compares so with `operand`.
  Policy& nv(const Name& index, NvComparison comparison, ByteView operand);
  /// TPM2_PolicyCpHash: this very command, with these very parameters.
  Policy& cp_hash(const Digest& command);
  /// TPM2_PolicyAuthValue: the object's own auth value, too.
  Policy& auth_value();
  /// TPM2_PolicyAuthorize: whatever policy the key `signer` has signed. What was before is forgotten.
  Policy& authorize(const Name& signer, ByteView policy_ref = {});
  /// TPM2_PolicyOR: any one of 2 to 8 policies. invalid_argument for fewer, more, or a digest of another
  /// length.
  static Result<Policy> any_of(std::span<const Digest> branches, HashAlgorithm hash = HashAlgorithm::sha256);

  const Digest& digest() const noexcept { return digest_; }

 private:
  Policy& extend(std::uint32_t command, ByteView arguments);
  Policy& update(std::uint32_t command, const Name& entity, ByteView policy_ref);
  HashAlgorithm hash_;
  Digest digest_;
};

}  // namespace sealift::tpm
