// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/agent.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "crypto/x509.h"
#include "emulator/machine/machines_for_test.h"
#include "tpm/evidence.h"

namespace sealift::emulator {
namespace {

class Agent : public testing::TestWithParam<tpm::KeyKind> {
 protected:
  Machine booted(const std::string& name) {
    CreateOptions options;
    options.ek = options.storage_key = GetParam();
    auto machine = machines_.create(name, options).value();
    EXPECT_THAT(boot_machine(machine, MachinesForTest::placeholder()), Succeeds());
    return machine;
  }
  static tpm::Evidence evidence_of(const Machine& machine) {
    return tpm::parse_evidence(as_bytes(gather_evidence(machine).value())).value();
  }
  MachinesForTest machines_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, Agent, testing::Values(tpm::KeyKind::rsa2048, tpm::KeyKind::p256),
                         [](const auto& kind) { return std::string{tpm::name(kind.param)}; });

TEST_P(Agent, ShowsTheCertificateOfTheEkThatIsInTheTpm) {
  const auto machine = booted("alpha");
  const auto evidence = evidence_of(machine);
  EXPECT_EQ(evidence.profile, "firmware");
  ASSERT_EQ(evidence.ek_certificates.size(), 2U);
  EXPECT_EQ(evidence.ek_certificates.front(), read_file(machine.ek_certificate(), 4096).value());
  const auto certificate = crypto::Certificate::parse(evidence.ek_certificates.front());
  ASSERT_THAT(certificate, Succeeds());
  EXPECT_EQ(certificate->public_key().value(), evidence.endorsement_key.key().value());
  const auto issuer = crypto::Certificate::parse(evidence.ek_certificates.back());
  ASSERT_THAT(issuer, Succeeds());
  EXPECT_EQ(certificate->issuer(), issuer->subject());
  EXPECT_EQ(evidence.platform_certificate, read_file(machine.platform_certificate(), 4096).value());
}

TEST_P(Agent, AnswersAChallengeMadeForItsKeys) {
  const auto machine = booted("alpha");
  const auto evidence = evidence_of(machine);
  const Bytes secret(32, 0x42);
  const auto challenge = tpm::make_credential(evidence.endorsement_key, evidence.storage_key.name(), secret);
  ASSERT_THAT(challenge, Succeeds());
  const auto answer = answer_challenge(machine, tpm::credential_file(*challenge));
  ASSERT_THAT(answer, Succeeds());
  EXPECT_TRUE(answer->equals(secret));
}

TEST_P(Agent, CannotAnswerAChallengeMadeForAnotherMachine) {
  const auto machine = booted("alpha");
  const auto other = evidence_of(booted("beta"));
  const auto own = evidence_of(machine);
  const Bytes secret(32, 0x42);
  const auto for_other =
      tpm::make_credential(other.endorsement_key, other.storage_key.name(), secret).value();
  const auto mixed = tpm::make_credential(own.endorsement_key, other.storage_key.name(), secret).value();
  EXPECT_THAT(answer_challenge(machine, tpm::credential_file(for_other)),
              FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_THAT(answer_challenge(machine, tpm::credential_file(mixed)),
              FailsWith(ErrorCode::challenge_response_differs));
}

TEST_P(Agent, SaysThatAMachineIsOff) {
  const auto machine = booted("alpha");
  ASSERT_THAT(stop_machine(machine), Succeeds());
  EXPECT_THAT(gather_evidence(machine), FailsAt(ErrorCode::unavailable, "name"));
}

}  // namespace
}  // namespace sealift::emulator
