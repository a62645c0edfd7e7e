// SPDX-License-Identifier: Apache-2.0
#include "tpm/profile.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "tpm/approval.h"
#include "tpm/areas.h"

namespace sealift::tpm {
namespace {

constexpr std::uint32_t kSharedNvAttributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA;
constexpr std::uint32_t kSharedVersionAttributes = TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_NO_DA;
constexpr std::uint16_t kVersionSize = 8;

// Handle ranges: TCG Registry of Reserved TPM 2.0 Handles and Localities, v1.2, tables 2 and 3.
constexpr Profile kFirmware{
    .name = "firmware",
    .hierarchy = Hierarchy::platform,
    .password_index = 0x01800100,
    .nv_attributes = kSharedNvAttributes | TPMA_NV_PPREAD | TPMA_NV_PPWRITE | TPMA_NV_PLATFORMCREATE,
    .storage_key = 0x81800002,
    .version_index = 0x01800102,
    .version_attributes = kSharedVersionAttributes | TPMA_NV_PPWRITE | TPMA_NV_PLATFORMCREATE,
    .pcrs = "sha256:6",
};
constexpr Profile kOwner{
    .name = "owner",
    .hierarchy = Hierarchy::owner,
    .password_index = 0x01800101,
    .nv_attributes = kSharedNvAttributes | TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE,
    .storage_key = 0x81000100,
    .version_index = 0x01800103,
    .version_attributes = kSharedVersionAttributes | TPMA_NV_OWNERWRITE,
    .pcrs = "sha256:4,7,9",
};

Name name_of(const TPMS_NV_PUBLIC& index) {
  return Name::of_public_area(HashAlgorithm::sha256,
                              std::move(ByteWriter{}
                                            .be32(index.nvIndex)
                                            .be16(index.nameAlg)
                                            .be32(index.attributes)
                                            .sized16({index.authPolicy.buffer, index.authPolicy.size})
                                            .be16(index.dataSize))
                                  .take());
}

TPMT_PUBLIC storage_key_with(KeyKind kind, const Digest& policy) {
  constexpr TPMA_OBJECT kAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                      TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED |
                                      TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA;
  return restricted_decryption_key(
      {.kind = kind, .hash = HashAlgorithm::sha256, .attributes = kAttributes, .cipher_bits = 128}, policy);
}

}  // namespace

std::string_view name(KeyKind kind) noexcept {
  if (kind == KeyKind::rsa2048) return "rsa2048";
  return kind == KeyKind::p256 ? "p256" : "p384";
}

const Profile& firmware_profile() noexcept { return kFirmware; }
const Profile& owner_profile() noexcept { return kOwner; }

Result<const Profile*> profile_from_name(std::string_view name) {
  for (const auto* profile : {&kFirmware, &kOwner}) {
    if (profile->name == name) return profile;
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is not a profile; there are 'firmware' and 'owner'", name), "profile");
}

Digest Profile::password_index_policy() const {
  return Policy{}
      .secret(Name::of_handle(static_cast<Handle>(hierarchy)))
      .command_code(TPM2_CC_NV_ChangeAuth)
      .digest();
}

TPMS_NV_PUBLIC Profile::password_index_public() const {
  TPMS_NV_PUBLIC index{};
  index.nvIndex = password_index;
  index.nameAlg = TPM2_ALG_SHA256;
  index.attributes = nv_attributes;
  index.authPolicy = to_tpm(password_index_policy());
  index.dataSize = kBootPasswordSize;
  return index;
}

Name Profile::password_index_name() const {
  auto index = password_index_public();
  index.attributes |= TPMA_NV_WRITTEN;
  return name_of(index);
}

Digest Profile::storage_key_policy(const PcrValues& values) const {
  return Policy{}.secret(password_index_name()).pcr(values).digest();
}

Digest Profile::storage_key_policy(const Name& approver) const {
  return Policy{}.authorize(approver, as_bytes(kStateReference)).secret(password_index_name()).digest();
}

TPMS_NV_PUBLIC Profile::version_index_public(const Name& approver) const {
  TPMS_NV_PUBLIC index{};
  index.nvIndex = version_index;
  index.nameAlg = TPM2_ALG_SHA256;
  index.attributes = version_attributes;
  index.authPolicy = to_tpm(Policy{}.authorize(approver, as_bytes(kWithdrawalReference)).digest());
  index.dataSize = kVersionSize;
  return index;
}

Name Profile::version_index_name(const Name& approver) const {
  auto index = version_index_public(approver);
  index.attributes |= TPMA_NV_WRITTEN;
  return name_of(index);
}

TPMT_PUBLIC Profile::storage_key_template(KeyKind kind, const PcrValues& values) const {
  return storage_key_with(kind, storage_key_policy(values));
}

TPMT_PUBLIC Profile::storage_key_template(KeyKind kind, const Name& approver) const {
  return storage_key_with(kind, storage_key_policy(approver));
}

}  // namespace sealift::tpm
