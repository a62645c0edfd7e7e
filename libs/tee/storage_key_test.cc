// SPDX-License-Identifier: Apache-2.0
#include "tee/storage_key.h"

#include "base/matchers.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

const tpm::Public& rsa_key() {
  static const auto kKey = tpm::storage_key_of(test_pki::pki().ek, tpm::KeyKind::rsa2048);
  return kKey;
}

Result<VerifiedStorageKey> verify(const tpm::Public& key) {
  return VerifiedStorageKey::verify(key, tpm::firmware_profile(), tpm::some_pcrs());
}

TEST(StorageKey, IsVerifiedForBothAlgorithms) {
  EXPECT_THAT(verify(rsa_key()), Succeeds());
  EXPECT_THAT(verify(host().storage_key), Succeeds());
}

struct Bit {
  std::string name;
  TPMA_OBJECT mask;
};

/// Every bit of TPMA_OBJECT, flipped alone: set where it must be clear, clear where it must be set.
std::vector<Bit> every_bit() {
  std::vector<Bit> bits{{"fixedTPM", TPMA_OBJECT_FIXEDTPM},
                        {"stClear", TPMA_OBJECT_STCLEAR},
                        {"fixedParent", TPMA_OBJECT_FIXEDPARENT},
                        {"sensitiveDataOrigin", TPMA_OBJECT_SENSITIVEDATAORIGIN},
                        {"userWithAuth", TPMA_OBJECT_USERWITHAUTH},
                        {"adminWithPolicy", TPMA_OBJECT_ADMINWITHPOLICY},
                        {"noDA", TPMA_OBJECT_NODA},
                        {"encryptedDuplication", TPMA_OBJECT_ENCRYPTEDDUPLICATION},
                        {"restricted", TPMA_OBJECT_RESTRICTED},
                        {"decrypt", TPMA_OBJECT_DECRYPT},
                        {"sign", TPMA_OBJECT_SIGN_ENCRYPT},
                        {"x509sign", 1U << 19U}};
  for (const unsigned bit :
       {0U, 3U, 8U, 9U, 12U, 13U, 14U, 15U, 20U, 21U, 22U, 23U, 24U, 25U, 26U, 27U, 28U, 29U, 30U, 31U}) {
    bits.push_back({"reserved", 1U << bit});
  }
  return bits;
}

TEST(StorageKey, IsRefusedForEveryAttributeThatIsNotAsItMustBe) {
  ASSERT_EQ(every_bit().size(), 32U);
  for (const auto& [name, mask] : every_bit()) {
    for (const auto& key : {rsa_key(), host().storage_key}) {
      const auto wrong = changed(key, [mask = mask](TPMT_PUBLIC& area) { area.objectAttributes ^= mask; });
      EXPECT_THAT(verify(wrong), FailsAt(ErrorCode::storage_key_attributes_refused, name))
          << std::hex << mask;
      if (name == "reserved") continue;
      const bool must_be = (key.area().objectAttributes & mask) != 0;
      EXPECT_THAT(verify(wrong), FailsShowing(must_be ? "set" : "clear", must_be ? "clear" : "set")) << name;
    }
  }
}

TEST(StorageKey, IsRefusedForAnotherAlgorithm) {
  const auto refused_at = [](const char* field, const tpm::Public& key, auto change) {
    EXPECT_THAT(verify(changed(key, change)), FailsAt(ErrorCode::storage_key_algorithm_refused, field));
  };
  const auto& ecc_key = host().storage_key;
  refused_at("nameAlg", rsa_key(), [](TPMT_PUBLIC& area) { area.nameAlg = TPM2_ALG_SHA1; });
  refused_at("nameAlg", ecc_key, [](TPMT_PUBLIC& area) { area.nameAlg = TPM2_ALG_SHA384; });
  refused_at("keyBits", rsa_key(), [](TPMT_PUBLIC& area) { area.parameters.rsaDetail.keyBits = 1024; });
  refused_at("exponent", rsa_key(), [](TPMT_PUBLIC& area) { area.parameters.rsaDetail.exponent = 3; });
  refused_at("symmetric", rsa_key(),
             [](TPMT_PUBLIC& area) { area.parameters.rsaDetail.symmetric.keyBits.aes = 256; });
  refused_at("symmetric", ecc_key,
             [](TPMT_PUBLIC& area) { area.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CTR; });
  refused_at("symmetric", ecc_key,
             [](TPMT_PUBLIC& area) { area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL; });
  refused_at("scheme", rsa_key(), [](TPMT_PUBLIC& area) {
    area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_OAEP;
    area.parameters.rsaDetail.scheme.details.oaep.hashAlg = TPM2_ALG_SHA256;
  });
  refused_at("unique", rsa_key(), [](TPMT_PUBLIC& area) { area.unique.rsa.size = 128; });
  const auto p384 = tpm::endorsement_key_area(tpm::fresh_key(tpm::KeyKind::p384).public_key()).value();
  refused_at("nameAlg", p384, [](TPMT_PUBLIC&) {});
  TPMT_PUBLIC data{};
  data.type = TPM2_ALG_KEYEDHASH;
  data.nameAlg = TPM2_ALG_SHA256;
  data.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  EXPECT_THAT(verify(tpm::Public::from_template(data).value()),
              FailsAt(ErrorCode::storage_key_algorithm_refused, "type"));
}

TEST(StorageKey, IsRefusedForAnotherPolicy) {
  const auto wrong = changed(rsa_key(), [](TPMT_PUBLIC& area) { area.authPolicy.buffer[31] ^= 1U; });
  EXPECT_THAT(verify(wrong), FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
  const auto shown = [](const tpm::Public& key) { return to_hex({key.area().authPolicy.buffer, 32}); };
  EXPECT_THAT(verify(wrong), FailsShowing(shown(rsa_key()), shown(wrong)));
  const auto none = changed(rsa_key(), [](TPMT_PUBLIC& area) { area.authPolicy.size = 0; });
  EXPECT_THAT(verify(none), FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
}

TEST(StorageKey, IsRefusedForAnotherProfileOrOtherPcrs) {
  EXPECT_THAT(VerifiedStorageKey::verify(rsa_key(), tpm::owner_profile(), tpm::some_pcrs()),
              FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
  const auto others = tpm::PcrValues::parse("sha256:6=" + std::string(64, 'b')).value();
  EXPECT_THAT(VerifiedStorageKey::verify(rsa_key(), tpm::firmware_profile(), others),
              FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
}

TEST(StorageKey, MayBeBoundToAnApproverAndThenToNobodyElse) {
  const auto approver = tpm::Approver::create(tpm::fresh_key(tpm::KeyKind::p256).public_key()).value();
  const auto other = tpm::Approver::create(tpm::fresh_key(tpm::KeyKind::p256).public_key()).value();
  auto area = tpm::firmware_profile().storage_key_template(tpm::KeyKind::p256, approver.name());
  tpm::set_numbers(area, tpm::fresh_key(tpm::KeyKind::p256).public_key());
  const auto key = tpm::Public::from_template(area).value();
  const auto& firmware = tpm::firmware_profile();
  const auto verified = VerifiedStorageKey::verify(key, firmware, approver);
  ASSERT_THAT(verified, Succeeds());
  EXPECT_EQ(verified->approved().sealing_policy(), approver.sealing_policy());
  constexpr auto kDiffers = ErrorCode::storage_key_policy_differs;
  EXPECT_THAT(VerifiedStorageKey::verify(key, firmware, other), FailsAt(kDiffers, "authPolicy"));
  EXPECT_THAT(VerifiedStorageKey::verify(key, firmware, tpm::some_pcrs()), FailsAt(kDiffers, "authPolicy"));
  EXPECT_THAT(VerifiedStorageKey::verify(key, tpm::owner_profile(), approver),
              FailsAt(kDiffers, "authPolicy"));
  EXPECT_THAT(VerifiedStorageKey::verify(host().storage_key, firmware, approver),
              FailsAt(kDiffers, "authPolicy"));
}

}  // namespace
}  // namespace sealift::tee
