// SPDX-License-Identifier: Apache-2.0
/// The shapes of a provisioned machine, as data: what its TPM holds, where, and under which policy.
///
/// One definition serves both sides: the machine is provisioned from it, and the verifier computes from it
/// what an enrolled key must look like, so nothing about that is taken from the host.
#pragma once

#include <array>
#include <string_view>

#include "tpm/policy.h"
#include "tpm/types.h"

struct TPMS_NV_PUBLIC;  // NOLINT(readability-identifier-naming): tss2_tpm2_types.h

namespace sealift::tpm {

/// Where keys live (Part 2, clause 7.4, TPM_RH).
enum class Hierarchy : Handle { owner = 0x40000001, endorsement = 0x4000000B, platform = 0x4000000C };

enum class KeyKind : std::uint8_t { rsa2048, p256, p384 };
/// "rsa2048", "p256", "p384".
std::string_view name(KeyKind kind) noexcept;

/// The boot password's length, in bytes.
inline constexpr std::size_t kBootPasswordSize = 32;

/// A way to provision a machine.
///
/// `firmware`: under the platform hierarchy, by firmware that then forgets the platform's authorization.
/// `owner`: the same under the owner hierarchy, for machines whose firmware knows nothing of Sealift; their
/// measured initrd rotates the boot password. It protects only as well as the owner's authorization is kept.
struct Profile {
  std::string_view name;             ///< "firmware", "owner"
  Hierarchy hierarchy;               ///< who may provision
  Handle password_index;             ///< the NV index whose auth value is the boot password ("NV index X")
  std::uint32_t nv_attributes;       ///< TPMA_NV of that index, as defined; writing it adds TPMA_NV_WRITTEN
  Handle storage_key;                ///< persistent handle
  Handle version_index;              ///< the NV index of the lowest version that holds (approval.h)
  std::uint32_t version_attributes;  ///< TPMA_NV of that index, as defined
  std::string_view pcrs;  ///< the PCRs the storage key is bound to unless the customer chooses others

  /// What NV_DefineSpace takes: 32 bytes, policy = PolicySecret(hierarchy) ∧
  /// PolicyCommandCode(NV_ChangeAuth).
  TPMS_NV_PUBLIC password_index_public() const;
  /// That policy.
  Digest password_index_policy() const;
  /// Name of the index once it has been written, which is what policies name.
  Name password_index_name() const;
  /// PolicySecret(password index) ∧ PolicyPCR(`pcrs`): the values are those approved for this machine.
  Digest storage_key_policy(const PcrValues& values) const;
  /// PolicyAuthorize(`approver`) ∧ PolicySecret(password index): a state that this key approves of.
  Digest storage_key_policy(const Name& approver) const;
  /// What CreatePrimary takes in `hierarchy`; `kind` is rsa2048 or p256. Attributes, design section 6:
  /// fixedTPM, fixedParent, sensitiveDataOrigin, restricted, decrypt, noDA, and nothing else.
  TPMT_PUBLIC storage_key_template(KeyKind kind, const PcrValues& values) const;
  TPMT_PUBLIC storage_key_template(KeyKind kind, const Name& approver) const;

  /// What NV_DefineSpace takes: 8 bytes, big-endian, which a withdrawal of the approver alone may write.
  TPMS_NV_PUBLIC version_index_public(const Name& approver) const;
  /// Name of that index once it has been written.
  Name version_index_name(const Name& approver) const;
};

const Profile& firmware_profile() noexcept;
const Profile& owner_profile() noexcept;
/// invalid_argument for another name than "firmware" or "owner".
Result<const Profile*> profile_from_name(std::string_view name);

/// IBM's firmware keeps the unrestricted RSA key that opens `ibm,esm` lockboxes here; a pef host has both
/// keys.
inline constexpr Handle kWrappingKey = 0x81800001;

/// A key of the endorsement hierarchy whose certificate the TPM's maker put into NV
/// (TCG EK Credential Profile for TPM Family 2.0, v2.5, annex B).
struct EndorsementKey {
  KeyKind kind;
  std::string_view template_name;  ///< "L-1", "L-2", "H-3"
  Handle handle;             ///< persistent, where provisioned (TCG Registry of Reserved TPM 2.0 Handles)
  Handle certificate_index;  ///< NV index of the certificate

  /// What CreatePrimary takes.
  TPMT_PUBLIC public_template() const;
  /// Whether `key` has all that the template fixes: everything but the key's own numbers.
  bool made(const Public& key) const;
};
/// L-1 (RSA-2048), L-2 (ECC P-256), H-3 (ECC P-384).
const std::array<EndorsementKey, 3>& endorsement_keys() noexcept;
/// The first NV index of the EK certificate's chain (the same profile, 2.2.1.5.2): intermediates in DER, one
/// after the other, also across indices.
inline constexpr Handle kEkChainIndex = 0x01c00100;
inline constexpr Handle kEkChainLastIndex = 0x01c001ff;
/// Where the machine's maker leaves its platform certificate (TCG Registry of Reserved TPM 2.0 Handles).
inline constexpr Handle kPlatformCertificateIndex = 0x01c08000;
/// The public area of the EK that has this public key, where only its certificate is at hand: the template of
/// that kind with the key's numbers. key_unsupported where no template is for such a key.
Result<Public> endorsement_key_area(const crypto::PublicKey& key);

}  // namespace sealift::tpm
