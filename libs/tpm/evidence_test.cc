// SPDX-License-Identifier: Apache-2.0
#include "tpm/evidence.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/base64.h"
#include "crypto/random.h"
#include "tpm/commands.h"
#include "tpm/keys_for_test.h"
#include "tpm/provisioning.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

/// A machine whose TPM has a certificate for one kind of EK: any certificate, since nobody verifies it here.
struct CertifiedMachine {
  SwtpmForTest swtpm;
  Tpm tpm;
  Bytes certificate;
};

Result<Bytes> some_certificate(const SwtpmForTest& swtpm) {
  const auto file = swtpm.path("ek.der");
  SEALIFT_TRY(const auto made,
              run_checked({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=EK", "-keyout",
                                    swtpm.path("key").native(), "-outform", "DER", "-out", file.native()},
                           .environment = {},
                           .fds = {}}));
  return read_file(file, 4096);
}

/// As a vendor leaves something in NV: read by anybody.
Status put(const SwtpmForTest& swtpm, Handle handle, const Bytes& contents) {
  SEALIFT_CHECK(write_file(swtpm.path("nv"), contents));
  const auto index = fmt::format("{:#x}", handle);
  SEALIFT_CHECK(swtpm.tool_checked({"tpm2_nvdefine", index, "-C", "p", "-s", std::to_string(contents.size()),
                                    "-a", "ppwrite|ppread|ownerread|authread|no_da|platformcreate"}));
  SEALIFT_CHECK(swtpm.tool_checked({"tpm2_nvwrite", index, "-C", "p", "-i", swtpm.path("nv").native()}));
  return {};
}

/// What looks like a certificate from outside, and ends with `last`.
Bytes der(std::uint8_t last) {
  Bytes bytes(300, 0x55);
  std::ranges::copy(std::array<std::uint8_t, 4>{0x30, 0x82, 0x01, 0x28}, bytes.begin());
  bytes.back() = last;
  return bytes;
}

/// `spare` bytes of filling after the certificate, as some vendors leave them.
Result<CertifiedMachine> certified_machine(const EndorsementKey& ek, std::size_t spare = 0) {
  SEALIFT_TRY(auto swtpm, SwtpmForTest::start());
  SEALIFT_TRY(auto certificate, some_certificate(swtpm));
  auto contents = certificate;
  contents.resize(contents.size() + spare, 0xff);
  SEALIFT_CHECK(put(swtpm, ek.certificate_index, contents));
  SEALIFT_TRY(auto tpm, Tpm::open(swtpm.tcti()));
  return CertifiedMachine{std::move(swtpm), std::move(tpm), std::move(certificate)};
}

Result<ProvisionedMachine> provision(CertifiedMachine& machine, KeyKind kind = KeyKind::p256) {
  SEALIFT_TRY(auto pcrs, PcrValues::parse("sha256:6=" + std::string(64, '0')));
  return tpm::provision(machine.tpm, {&firmware_profile(), kind, std::move(pcrs)}, {});
}

class EvidenceOf : public testing::TestWithParam<std::size_t> {
 protected:
  const EndorsementKey& ek() const { return endorsement_keys().at(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Keys, EvidenceOf, testing::Values(0, 1, 2), [](const auto& which) {
  return std::string{name(endorsement_keys().at(which.param).kind)};
});

TEST_P(EvidenceOf, IsGatheredFromAProvisionedTpm) {
  auto machine = certified_machine(ek());
  ASSERT_THAT(machine, Succeeds());
  const auto provisioned = provision(*machine);
  ASSERT_THAT(provisioned, Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile());
  ASSERT_THAT(evidence, Succeeds());
  EXPECT_EQ(evidence->profile, "firmware");
  EXPECT_EQ(evidence->ek_certificates, std::vector<Bytes>{machine->certificate});
  EXPECT_EQ(evidence->endorsement_key, provisioned->endorsement_keys.at(0));
  EXPECT_EQ(evidence->storage_key, provisioned->storage_key);
  EXPECT_TRUE(ek().made(evidence->endorsement_key));
  const auto again = parse_evidence(as_bytes(to_json(*evidence)));
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(to_json(*again), to_json(*evidence));
}

TEST_P(EvidenceOf, AnswersAChallengeMadeForBothKeys) {
  auto machine = certified_machine(ek());
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile()).value();
  const auto secret = crypto::random_array<32>();
  const auto challenge = make_credential(evidence.endorsement_key, evidence.storage_key.name(), secret);
  ASSERT_THAT(challenge, Succeeds());
  for (int i = 0; i < 4; ++i) {  // more often than the TPM has slots
    const auto answer =
        answer_challenge(machine->tpm, firmware_profile(), evidence.endorsement_key, *challenge);
    ASSERT_THAT(answer, Succeeds());
    EXPECT_TRUE(answer->equals(secret));
  }
}

TEST_P(EvidenceOf, DoesNotAnswerAChallengeForAnotherStorageKey) {
  auto machine = certified_machine(ek());
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile()).value();
  const auto challenge =
      make_credential(evidence.endorsement_key, evidence.endorsement_key.name(), crypto::random_array<32>());
  ASSERT_THAT(challenge, Succeeds());
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(answer_challenge(machine->tpm, firmware_profile(), evidence.endorsement_key, *challenge),
                FailsWith(ErrorCode::challenge_response_differs));
  }
  EXPECT_TRUE(handles_in_use(machine->tpm, kFirstLoadedSession).value().empty());
}

TEST(GatherEvidence, TakesTheCertificateWithoutTheFillingBehindIt) {
  auto machine = certified_machine(endorsement_keys()[1], 700);
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile());
  ASSERT_THAT(evidence, Succeeds());
  EXPECT_EQ(evidence->ek_certificates.at(0), machine->certificate);
}

TEST(GatherEvidence, TakesTheChainAcrossIndicesAndThePlatformCertificate) {
  auto machine = certified_machine(endorsement_keys()[1]);
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  auto first = der(1);
  const auto second = der(2);
  first.insert(first.end(), second.begin(), second.begin() + 100);  // what does not fit goes on in the next
  Bytes rest(second.begin() + 100, second.end());
  rest.resize(rest.size() + 50, 0xff);
  ASSERT_THAT(put(machine->swtpm, kEkChainIndex, first), Succeeds());
  ASSERT_THAT(put(machine->swtpm, kEkChainIndex + 1, rest), Succeeds());
  auto platform = der(3);
  platform.resize(platform.size() + 20, 0);
  ASSERT_THAT(put(machine->swtpm, kPlatformCertificateIndex, platform), Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile());
  ASSERT_THAT(evidence, Succeeds());
  EXPECT_EQ(evidence->ek_certificates, (std::vector<Bytes>{machine->certificate, der(1), der(2)}));
  EXPECT_EQ(evidence->platform_certificate, der(3));
  EXPECT_EQ(parse_evidence(as_bytes(to_json(*evidence)))->platform_certificate, der(3));
}

TEST(GatherEvidence, TakesAnIndexThatNobodyWroteForNone) {
  auto machine = certified_machine(endorsement_keys()[1]);
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  ASSERT_THAT(machine->swtpm.tool_checked({"tpm2_nvdefine", fmt::format("{:#x}", kPlatformCertificateIndex),
                                           "-C", "p", "-s", "300", "-a", "ppwrite|authread|platformcreate"}),
              Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile());
  ASSERT_THAT(evidence, Succeeds());
  EXPECT_TRUE(evidence->platform_certificate.empty());
}

TEST(GatherEvidence, NamesWhatIsNoCertificate) {
  auto machine = certified_machine(endorsement_keys()[1]);
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  auto cut = der(1);
  cut.pop_back();
  ASSERT_THAT(put(machine->swtpm, kPlatformCertificateIndex, cut), Succeeds());
  EXPECT_THAT(gather_evidence(machine->tpm, firmware_profile()),
              FailsAt(ErrorCode::platform_certificate_malformed, "platform_certificate"));
  ASSERT_THAT(put(machine->swtpm, kEkChainIndex, Bytes(20, 0x42)), Succeeds());
  EXPECT_THAT(gather_evidence(machine->tpm, firmware_profile()),
              FailsAt(ErrorCode::ek_certificate_malformed, "ek_certificates"));
}

TEST(GatherEvidence, SaysWhatIsMissing) {
  auto machine = certified_machine(endorsement_keys()[1]);
  ASSERT_THAT(machine, Succeeds());
  EXPECT_THAT(gather_evidence(machine->tpm, firmware_profile()),
              FailsAt(ErrorCode::not_found, "storage_key"));
  ASSERT_THAT(provision(*machine), Succeeds());
  ASSERT_THAT(machine->swtpm.tool_checked({"tpm2_evictcontrol", "-C", "o", "-c", "0x81010002"}), Succeeds());
  EXPECT_THAT(gather_evidence(machine->tpm, firmware_profile()),
              FailsAt(ErrorCode::not_found, "endorsement_key"));
  ASSERT_THAT(machine->swtpm.tool_checked({"tpm2_nvundefine", "-C", "p", "0x1c0000a"}), Succeeds());
  EXPECT_THAT(gather_evidence(machine->tpm, firmware_profile()),
              FailsWith(ErrorCode::ek_certificate_missing));
}

TEST(AnswerChallenge, NeedsTheEndorsementKeyThatWasShown) {
  auto machine = certified_machine(endorsement_keys()[1]);
  ASSERT_THAT(machine, Succeeds());
  const auto provisioned = provision(*machine);
  ASSERT_THAT(provisioned, Succeeds());
  EXPECT_THAT(answer_challenge(machine->tpm, firmware_profile(), provisioned->storage_key, {}),
              FailsAt(ErrorCode::not_found, "endorsement_key"));
}

TEST_P(EvidenceOf, AnswersTheFileOfAChallenge) {
  auto machine = certified_machine(ek());
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(provision(*machine), Succeeds());
  const auto evidence = gather_evidence(machine->tpm, firmware_profile()).value();
  const auto secret = crypto::random_array<32>();
  const auto file =
      credential_file(make_credential(evidence.endorsement_key, evidence.storage_key.name(), secret).value());
  const auto answer = answer_challenge(machine->tpm, firmware_profile(), file);
  ASSERT_THAT(answer, Succeeds());
  EXPECT_TRUE(answer->equals(secret));
  EXPECT_THAT(answer_challenge(machine->tpm, firmware_profile(), ByteView{file}.first(file.size() - 1)),
              FailsWith(ErrorCode::truncated));
}

TEST_P(EvidenceOf, DoesNotAnswerAChallengeForAnotherTpm) {
  auto machine = certified_machine(ek());
  ASSERT_THAT(machine, Succeeds());
  const auto storage_key = provision(*machine).value().storage_key;
  const auto other = endorsement_key_area(fresh_key(ek().kind).public_key()).value();
  const auto challenge = make_credential(other, storage_key.name(), crypto::random_array<32>()).value();
  EXPECT_THAT(answer_challenge(machine->tpm, firmware_profile(), credential_file(challenge)),
              FailsAt(ErrorCode::challenge_response_differs, "credential"));
  EXPECT_THAT(get_random(machine->tpm, 8), Succeeds());
}

class EvidenceDocument : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto machine = certified_machine(endorsement_keys()[1]);
    ASSERT_THAT(machine, Succeeds());
    ASSERT_THAT(provision(*machine), Succeeds());
    const auto evidence = gather_evidence(machine->tpm, firmware_profile());
    ASSERT_THAT(evidence, Succeeds());
    text_ = to_json(*evidence);
  }
  static std::string with(const std::string& what, const std::string& instead) {
    auto text = text_;
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), instead);
  }
  static std::string text_;
};
std::string EvidenceDocument::text_;

TEST_F(EvidenceDocument, IsRefusedWhereverItIsTruncated) {
  for (std::size_t size = 0; size + 2 < text_.size(); ++size) {
    ASSERT_THAT(parse_evidence(as_bytes(text_).first(size)), FailsWith(ErrorCode::malformed)) << size;
  }
}

TEST_F(EvidenceDocument, IsRefusedOrDifferentWhereverAByteIsAltered) {
  const auto good = to_json(parse_evidence(as_bytes(text_)).value());
  for (std::size_t i = 0; i < text_.size(); ++i) {
    auto altered = text_;
    altered[i] = static_cast<char>(altered[i] ^ 0x02);
    const auto parsed = parse_evidence(as_bytes(altered));
    if (parsed && std::isspace(text_[i]) == 0) {
      EXPECT_NE(to_json(*parsed), good) << i;
    }
  }
}

TEST_F(EvidenceDocument, NamesTheMemberThatIsWrong) {
  EXPECT_THAT(parse_evidence(as_bytes(with("evidence.v1", "evidence.v2"))),
              FailsAt(ErrorCode::malformed, "format"));
  EXPECT_THAT(parse_evidence(as_bytes(with("\"firmware\"", "7"))), FailsAt(ErrorCode::malformed, "profile"));
  EXPECT_THAT(parse_evidence(as_bytes(with("\"profile\"", "\"profil\""))),
              FailsAt(ErrorCode::malformed, "profile"));
  EXPECT_THAT(parse_evidence(as_bytes(with("[", "[[],"))), FailsAt(ErrorCode::malformed, "ek_certificates"));
  EXPECT_THAT(parse_evidence(as_bytes(with("\"storage_key\": \"", "\"storage_key\": \" "))),
              FailsAt(ErrorCode::malformed, "storage_key"));
  EXPECT_THAT(parse_evidence(as_bytes(with("{", "{\"more\": 1,"))), FailsAt(ErrorCode::malformed, "more"));
  for (const auto* platform : {"\"\"", "\"!\"", "[]", "null"}) {
    EXPECT_THAT(parse_evidence(as_bytes(with("{", fmt::format("{{\"platform_certificate\": {},", platform)))),
                FailsAt(ErrorCode::malformed, "platform_certificate"))
        << platform;
  }
}

TEST_F(EvidenceDocument, RefusesAMemberTwiceAndWhatFollowsTheEnd) {
  EXPECT_THAT(parse_evidence(as_bytes(with("{", "{\"profile\": \"owner\","))),
              FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse_evidence(as_bytes(text_ + "{}")), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse_evidence(as_bytes(std::string(100'000, '['))), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse_evidence(Bytes(kEvidenceSizeLimit + 1, ' ')), FailsWith(ErrorCode::too_large));
}

}  // namespace
}  // namespace sealift::tpm
