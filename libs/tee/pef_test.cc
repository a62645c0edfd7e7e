// SPDX-License-Identifier: Apache-2.0
#include "tee/pef.h"

#include "tee/tpm_hosts_for_test.h"

namespace sealift::tee {
namespace {

tpm::FirmwareInputs inputs(bool pef_enabled = true) {
  const auto hash = [](std::string_view text) {
    return crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(text));
  };
  return {hash("hardware keys"), true, hash("verification code"), pef_enabled};
}

tpm::EventLog reference(bool pef_enabled = true) {
  constexpr std::array kBanks{crypto::HashAlgorithm::sha256, crypto::HashAlgorithm::sha384};
  return tpm::expected_log(tpm::firmware_events(inputs(pef_enabled)), kBanks);
}

/// A host whose storage key is bound to a chain with these inputs.
HostForTest power_host(const tpm::FirmwareInputs& chain) {
  HostForTest made;
  constexpr std::array kBanks{crypto::HashAlgorithm::sha256};
  const auto pcrs = tpm::expected_pcrs(tpm::firmware_events(chain), kBanks);
  auto area = tpm::firmware_profile().storage_key_template(tpm::KeyKind::p256, pcrs);
  tpm::set_numbers(area, tpm::fresh_key(tpm::KeyKind::p256).public_key());
  made.storage_key = tpm::Public::from_template(area).value();
  return made;
}

const HostForTest& first() {
  static const auto kFirst = power_host(inputs());
  return kFirst;
}
const HostForTest& second() {
  static const auto kSecond = power_host(inputs());
  return kSecond;
}

std::shared_ptr<const TeeBackend> backend() {
  return std::make_shared<PefBackend>(PefBackend::create(HostForTest::roots(), reference()).value());
}

INSTANTIATE_TEST_SUITE_P(Pef, TeeBackendConformance,
                         testing::Values(tpm_hosts("pef", backend(), first(), second())));

TEST(PefBackendTest, ProvesAHostWhoseFirmwareEnabledPef) {
  EXPECT_EQ(backend()->name(), "pef");
  EXPECT_THAT(backend()->examine(first().evidence(), test_pki::now()), Succeeds());
}

TEST(PefBackendTest, RefusesAHostThatIsBoundToFirmwareWithoutPef) {
  const auto off = power_host(inputs(false));
  EXPECT_THAT(backend()->examine(off.evidence(), test_pki::now()),
              FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
}

TEST(PefBackendTest, IsNotForThoseWhoApproveOfFirmwareWithoutPef) {
  EXPECT_THAT(PefBackend::create(HostForTest::roots(), reference(false)),
              FailsAt(ErrorCode::invalid_argument, "pef-enable"));
}

}  // namespace
}  // namespace sealift::tee
