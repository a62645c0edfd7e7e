// SPDX-License-Identifier: Apache-2.0
// Enrolment against real TPMs: software ones, with certificates of the test PKI.
#include <fmt/core.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tee/host_for_test.h"
#include "tpm/provisioning.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tee {
namespace {

struct Machine {
  tpm::SwtpmForTest swtpm;
  tpm::Tpm tpm;
  tpm::Evidence evidence;

  Bytes document() const { return to_bytes(as_bytes(tpm::to_json(evidence))); }
};

/// With the EK certificate in NV, padded as vendors leave it, and provisioned by the profile `firmware`.
Result<Machine> make_machine(const std::string& ek_algorithm, const tpm::EndorsementKey& ek) {
  SEALIFT_TRY(auto swtpm, tpm::SwtpmForTest::start());
  const auto file = swtpm.path("ek.pub");
  SEALIFT_CHECK(swtpm.tool_checked(
      {"tpm2_createek", "-G", ek_algorithm, "-c", swtpm.path("ek").native(), "-u", file.native()}));
  SEALIFT_CHECK(swtpm.tool_checked({"tpm2_flushcontext", "-t"}));
  SEALIFT_TRY(const auto tpm2b, read_file(file, 4096));
  SEALIFT_TRY(const auto ek_public, tpm::Public::parse(tpm2b));
  SEALIFT_TRY(const auto key, ek_public.key());
  auto contents = test_pki::issue(test_pki::ek_draft(key)).der();
  contents.resize(contents.size() + 100, 0xff);
  SEALIFT_CHECK(write_file(swtpm.path("nv"), contents));
  const auto index = fmt::format("{:#x}", ek.certificate_index);
  SEALIFT_CHECK(swtpm.tool_checked({"tpm2_nvdefine", index, "-C", "p", "-s", std::to_string(contents.size()),
                                    "-a", "ppwrite|ppread|ownerread|authread|no_da|platformcreate"}));
  SEALIFT_CHECK(swtpm.tool_checked({"tpm2_nvwrite", index, "-C", "p", "-i", swtpm.path("nv").native()}));
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(swtpm.tcti()));
  SEALIFT_CHECK(tpm::provision(tpm, {&tpm::firmware_profile(), tpm::KeyKind::rsa2048, tpm::some_pcrs()}, {}));
  SEALIFT_TRY(auto evidence, tpm::gather_evidence(tpm, tpm::firmware_profile()));
  return Machine{std::move(swtpm), std::move(tpm), std::move(evidence)};
}

Result<EnrolledHost> enrol(Machine& machine) {
  SEALIFT_TRY(auto challenge,
              challenge_measured_host(machine.document(), HostForTest::policy(), test_pki::now()));
  SEALIFT_TRY(const auto answer,
              tpm::answer_challenge(machine.tpm, tpm::firmware_profile(), machine.evidence.endorsement_key,
                                    challenge.credential()));
  return challenge.finish(answer.expose(), test_pki::now());
}

class RealTpm : public testing::Test {
 protected:
  static Machine machine(std::size_t which = 0) {
    const std::array<std::string, 2> algorithms{"rsa", "ecc"};
    auto made = make_machine(algorithms.at(which), tpm::endorsement_keys().at(which));
    EXPECT_THAT(made, Succeeds());
    return std::move(*made);
  }
};

TEST_F(RealTpm, IsEnrolledWithAnRsaEk) {
  auto genuine = machine(0);
  EXPECT_THAT(enrol(genuine), Succeeds());
}

TEST_F(RealTpm, IsEnrolledWithAnEccEk) {
  auto genuine = machine(1);
  EXPECT_THAT(enrol(genuine), Succeeds());
}

TEST_F(RealTpm, CannotVouchForASoftwareStorageKey) {
  auto genuine = machine(1);
  const auto software = tpm::storage_key_of(test_pki::pki().ek, tpm::KeyKind::rsa2048);
  genuine.evidence.storage_key = software;  // perfect in all its attributes
  EXPECT_THAT(enrol(genuine), FailsWith(ErrorCode::challenge_response_differs));
}

TEST_F(RealTpm, CannotVouchForTheStorageKeyOfAnotherTpm) {
  auto genuine = machine(1);
  const auto other = machine(1);
  genuine.evidence.storage_key = other.evidence.storage_key;
  EXPECT_THAT(enrol(genuine), FailsWith(ErrorCode::challenge_response_differs));
}

TEST_F(RealTpm, CannotShowTheCertificateOfAnother) {
  auto genuine = machine(1);
  const auto other = machine(1);
  genuine.evidence.ek_certificates = other.evidence.ek_certificates;
  EXPECT_THAT(enrol(genuine), FailsAt(ErrorCode::ek_key_differs, "endorsement_key"));
  genuine.evidence.endorsement_key = other.evidence.endorsement_key;
  EXPECT_FALSE(enrol(genuine));
}

/// Trusts who issued the certificates of `swtpm`.
MeasuredPolicy trust_in_maker_of(const tpm::SwtpmForTest& swtpm) {
  const auto certificates = [](const std::filesystem::path& file) {
    return crypto::parse_certificates(read_file(file, 16384).value()).value();
  };
  auto policy = HostForTest::policy();
  policy.roots = TrustedRoots::create({.roots = certificates(swtpm.root_ca()),
                                       .intermediates = certificates(swtpm.issuing_ca()),
                                       .crls = {},
                                       .crl_policy = crypto::CrlPolicy::where_given})
                     .value();
  return policy;
}

TEST_F(RealTpm, OfAnotherMakerIsEnrolledWithItsPlatformCertificate) {
  const auto swtpm = tpm::SwtpmForTest::start_with_certificates();
  ASSERT_THAT(swtpm, Succeeds());
  auto tpm = tpm::Tpm::open(swtpm->tcti()).value();
  ASSERT_THAT(tpm::provision(tpm, {&tpm::firmware_profile(), tpm::KeyKind::p256, tpm::some_pcrs()}, {}),
              Succeeds());
  const auto evidence = tpm::gather_evidence(tpm, tpm::firmware_profile());
  ASSERT_THAT(evidence, Succeeds());
  EXPECT_FALSE(evidence->platform_certificate.empty());
  const auto now = SystemClock{}.now();  // the certificates begin when they are made
  auto challenge = challenge_measured_host(as_bytes(tpm::to_json(*evidence)), trust_in_maker_of(*swtpm), now);
  ASSERT_THAT(challenge, Succeeds());
  EXPECT_TRUE(challenge->subject().platform_issuer().has_value());
  const auto file = tpm::credential_file(challenge->credential());
  const auto answer = tpm::answer_challenge(tpm, tpm::firmware_profile(), file);
  ASSERT_THAT(answer, Succeeds());
  EXPECT_THAT(challenge->finish(answer->expose(), now), Succeeds());
}

}  // namespace
}  // namespace sealift::tee
