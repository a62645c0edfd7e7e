// SPDX-License-Identifier: Apache-2.0
/// States that a key approves of, for as long as it does: new firmware is signed once, and whatever was
/// sealed under that key opens on it. docs/formats/approval.md and adr/0020.
///
///   approved policy = PolicyPCR(state) ∧ PolicyNV(version index ≤ version)
///   signature       = ECDSA-SHA256(approved policy ‖ "sealift state v1")
///
/// Each machine has a version index, which a withdrawal alone can raise: approvals of a lower version do not
/// hold on it any more, whoever kept their signatures.
///
/// In software; approved_state.h is what a machine does with them.
#pragma once

#include "crypto/key.h"
#include "tpm/profile.h"

namespace sealift::tpm {

/// PolicyAuthorize's references: what is signed for one purpose counts for no other.
inline constexpr std::string_view kStateReference = "sealift state v1";
inline constexpr std::string_view kWithdrawalReference = "sealift withdrawal v1";
inline constexpr std::uint64_t kMaxVersion = (std::uint64_t{1} << 53U) - 1;
inline constexpr std::size_t kMaxApprovalName = 128;

/// A key that approves of states, as TPMs name it.
class Approver {
 public:
  /// key_unsupported for another kind of key than P-256.
  static Result<Approver> create(const crypto::PublicKey& key);

  const crypto::PublicKey& key() const noexcept { return key_; }
  const Public& area() const noexcept { return area_; }
  const Name& name() const noexcept { return area_.name(); }
  /// Of what is sealed for any state that it approves of.
  Digest sealing_policy() const;
  bool operator==(const Approver& other) const noexcept { return area_ == other.area_; }

 private:
  Approver(crypto::PublicKey key, Public area) : key_{std::move(key)}, area_{std::move(area)} {}
  crypto::PublicKey key_;
  Public area_;
};

/// An approver's signature over a policy, as PolicyAuthorize wants it.
class SignedPolicy {
 public:
  static Result<SignedPolicy> sign(const crypto::PrivateKey& key, const Digest& policy,
                                   std::string_view reference);
  /// `signature` in DER; signature_invalid where it is another's.
  static Result<SignedPolicy> check(Approver approver, const Digest& policy, std::string_view reference,
                                    ByteView signature);

  const Approver& approver() const noexcept { return approver_; }
  const Digest& policy() const noexcept { return policy_; }
  ByteView reference() const noexcept { return as_bytes(reference_); }
  /// In DER, over policy ‖ reference: `openssl dgst -sha256 -verify` takes it.
  const Bytes& signature() const noexcept { return signature_; }
  /// What TPM2_VerifySignature takes: the digest, and a TPMT_SIGNATURE.
  Digest digest() const;
  Bytes tpm_signature() const;

 private:
  SignedPolicy(Approver approver, const Digest& policy, std::string_view reference, Bytes signature)
      : approver_{std::move(approver)},
        policy_{policy},
        reference_{reference},
        signature_{std::move(signature)} {}
  Approver approver_;
  Digest policy_;
  std::string_view reference_;  // one of the two above
  Bytes signature_;
};

/// "These machines may be in this state, from this version on."
struct Approval {
  std::string name;  ///< for people; not signed
  const Profile* profile;
  std::uint64_t version;
  PcrValues state;
  SignedPolicy policy;
};

/// "What has a lower version than this does not hold any more."
struct Withdrawal {
  const Profile* profile;
  std::uint64_t version;
  SignedPolicy policy;
};

/// `version` is 1 to kMaxVersion; invalid_argument at "version" or "name" otherwise.
Result<Approval> approve(const crypto::PrivateKey& key, const Profile& profile, std::string name,
                         std::uint64_t version, const PcrValues& state);
Result<Withdrawal> withdraw_below(const crypto::PrivateKey& key, const Profile& profile,
                                  std::uint64_t version);

/// What somebody says that the approver signed. signature_invalid where it did not.
Result<Approval> check_approval(const Approver& approver, const Profile& profile, std::string name,
                                std::uint64_t version, const PcrValues& state, ByteView signature);
Result<Withdrawal> check_withdrawal(const Approver& approver, const Profile& profile, std::uint64_t version,
                                    ByteView signature);

/// As the index holds it.
Bytes version_bytes(std::uint64_t version);
/// The policy that `withdraw_below` signs: of TPM2_NV_Write of that version, while the index is lower.
Digest withdrawal_command(const Name& version_index, std::uint64_t version);

// Documents: flat JSON objects, {"format": "sealift.approval.v1", …}, {"format": "sealift.withdrawal.v1", …}.
std::string to_json(const Approval& approval);
std::string to_json(const Withdrawal& withdrawal);
/// Strict, and the signature is checked: signature_invalid.
Result<Approval> parse_approval(ByteView text);
Result<Withdrawal> parse_withdrawal(ByteView text);

}  // namespace sealift::tpm
