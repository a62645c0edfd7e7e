// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "tpm/areas.h"
#include "tpm/profile.h"

namespace sealift::tpm {
namespace {

constexpr TPMA_OBJECT kLowAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                       TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
                                       TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
constexpr TPMA_OBJECT kHighAttributes = kLowAttributes | TPMA_OBJECT_USERWITHAUTH;

// EK Credential Profile v2.5, B.6.4, PolicyB for SHA-384: PolicyOR of PolicyA and of the policy in NV index
// I-2.
constexpr std::array<std::uint8_t, 48> kPolicyBSha384{
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
    0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
    0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12};

constexpr std::array<EndorsementKey, 3> kEndorsementKeys{{
    {.kind = KeyKind::rsa2048, .template_name = "L-1", .handle = 0x81010001, .certificate_index = 0x01c00002},
    {.kind = KeyKind::p256, .template_name = "L-2", .handle = 0x81010002, .certificate_index = 0x01c0000a},
    {.kind = KeyKind::p384, .template_name = "H-3", .handle = 0x81010016, .certificate_index = 0x01c00016},
}};

/// PolicyA: whoever may use the endorsement hierarchy.
Digest policy_a() {
  return Policy{}.secret(Name::of_handle(static_cast<Handle>(Hierarchy::endorsement))).digest();
}

template <typename Buffer>
void put_number(ByteView number, Buffer& out) {
  out.size = static_cast<std::uint16_t>(number.size());
  std::ranges::copy(number, out.buffer);
}

Result<TPMU_PUBLIC_ID> numbers_of(const crypto::PublicKey& key) {
  TPMU_PUBLIC_ID unique{};
  if (key.type() == crypto::KeyType::rsa) {
    SEALIFT_TRY(const auto rsa, key.rsa());
    if (rsa.exponent != 65537)
      return fail(ErrorCode::key_unsupported, "an EK has the exponent 65537", "exponent");
    put_number(rsa.modulus, unique.rsa);
    return unique;
  }
  SEALIFT_TRY(const auto point, key.ec());
  put_number(point.x, unique.ecc.x);
  put_number(point.y, unique.ecc.y);
  return unique;
}

Result<KeyKind> kind_of(const crypto::PublicKey& key) {
  if (key.type() == crypto::KeyType::rsa && key.bits() == 2048) return KeyKind::rsa2048;
  if (key.type() == crypto::KeyType::ec && key.bits() == 256) return KeyKind::p256;
  if (key.type() == crypto::KeyType::ec && key.bits() == 384) return KeyKind::p384;
  return fail(
      ErrorCode::key_unsupported,
      fmt::format("no EK template for this key of {} bits: RSA-2048, P-256 and P-384 have one", key.bits()),
      "key");
}

}  // namespace

const std::array<EndorsementKey, 3>& endorsement_keys() noexcept { return kEndorsementKeys; }

TPMT_PUBLIC EndorsementKey::public_template() const {
  if (kind == KeyKind::p384) {  // B.4.4, the high range: no bytes in unique
    return restricted_decryption_key(
        {.kind = kind, .hash = HashAlgorithm::sha384, .attributes = kHighAttributes, .cipher_bits = 256},
        Digest{kPolicyBSha384});
  }
  auto area = restricted_decryption_key(
      {.kind = kind, .hash = HashAlgorithm::sha256, .attributes = kLowAttributes, .cipher_bits = 128},
      policy_a());
  if (kind == KeyKind::rsa2048) {  // B.3.3: 256 zero bytes
    area.unique.rsa.size = 256;
  } else {  // B.3.4: 32 zero bytes each
    area.unique.ecc.x.size = 32;
    area.unique.ecc.y.size = 32;
  }
  return area;
}

bool EndorsementKey::made(const Public& key) const {
  auto area = public_template();
  if (key.area().type != area.type) return false;  // `unique` is a union: the type says which member counts
  area.unique = key.area().unique;
  const auto expected = Public::from_template(area);
  return expected.has_value() && *expected == key && key.key().has_value();
}

Result<Public> endorsement_key_area(const crypto::PublicKey& key) {
  SEALIFT_TRY(const auto kind, kind_of(key));
  const auto ek = std::ranges::find(kEndorsementKeys, kind, &EndorsementKey::kind);
  auto area = ek->public_template();
  SEALIFT_TRY(area.unique, numbers_of(key));
  return Public::from_template(area);
}

}  // namespace sealift::tpm
