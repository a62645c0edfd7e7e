// SPDX-License-Identifier: Apache-2.0
// A security module that proves the state of its machine, on TPMs.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tee/insertion_proof.h"
#include "tpm/commands.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tee {
namespace {

using tpm::SwtpmForTest;
using tpm::Tpm;

crypto::Certificate certificate_in(const std::filesystem::path& file) {
  return crypto::Certificate::parse(read_file(file, crypto::kCertificateLimit).value()).value();
}

/// A machine with a security module on it.
struct Machine {
  SwtpmForTest swtpm = SwtpmForTest::start_with_certificates().value();
  Tpm tpm = Tpm::open(swtpm.tcti()).value();
  tpm::PcrSelection pcrs = tpm::PcrSelection::parse("sha256:7").value();
  crypto::PrivateKey key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();

  InsertionProof prove(const InsertionTerms& terms) {
    return {{}, tpm::prove_state(tpm, pcrs, terms.digest().view()).value()};
  }
  InsertionTrust trust() {
    return {crypto::TrustedRoots::create({{certificate_in(swtpm.root_ca())},
                                          {certificate_in(swtpm.issuing_ca())},
                                          {},
                                          crypto::CrlPolicy::where_given})
                .value(),
            tpm::read_pcrs(tpm, pcrs).value()};
  }
  Result<InsertionReceived> open(const InsertionTerms& terms, const SealedInsertion& sealed) {
    SEALIFT_TRY(const auto secret, tpm::open_attestation_credential(tpm, sealed.credential));
    SEALIFT_TRY(const auto ephemeral, ephemeral_key_of(sealed));
    SEALIFT_TRY(const auto shared, key.ecdh(ephemeral));
    return open_insertion(terms, sealed, shared, secret.expose());
  }
  InsertionTerms terms() const {
    return {"acme",
            "000102030405060708090a0b0c0d0e0f",
            "sealift.v1.SeedService.InsertSeed",
            "00112233445566778899aabbccddeeff",
            2000000000,
            Bytes(kInsertionNonceSize, 7),
            key.public_key().der()};
  }
};

class InsertionsIntoAState : public testing::Test {
 protected:
  Machine machine;
  InsertionTrust trust = machine.trust();
  InsertionTerms terms = machine.terms();
  InsertionProof proof = machine.prove(terms);
  const Bytes payload = Bytes(100, 0x5e);

  Result<InsertionSent> insert(const InsertionTerms& under, const InsertionProof& shown) const {
    return insert_into(trust, under, shown, payload, SystemClock{}.now());
  }
};

TEST_F(InsertionsIntoAState, ReachTheMachineThatProvedIt) {
  const auto sent = insert(terms, proof);
  ASSERT_THAT(sent, Succeeds());
  const auto received = machine.open(terms, sent->sealed);
  ASSERT_THAT(received, Succeeds());
  EXPECT_TRUE(received->payload.equals(payload));
  EXPECT_EQ(received->confirmation, sent->confirmation);
}

TEST_F(InsertionsIntoAState, AreNotSentToOtherSoftware) {
  const auto event = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("other software"));
  ASSERT_THAT(tpm::extend_pcr(machine.tpm, 7, {{crypto::HashAlgorithm::sha256, event}}), Succeeds());
  EXPECT_THAT(insert(terms, machine.prove(terms)), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
}

// A man in the middle that puts a key of its own into the answer, or an earlier answer.
TEST_F(InsertionsIntoAState, AreNotSentToAKeyThatTheQuoteDoesNotName) {
  auto other = terms;
  other.insertion_key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value().public_key().der();
  EXPECT_THAT(insert(other, proof), FailsAt(ErrorCode::authentication_failed, "qualifying_data"));
  other = terms;
  other.nonce[0] ^= 1;
  EXPECT_THAT(insert(other, proof), FailsAt(ErrorCode::authentication_failed, "qualifying_data"));
}

// It has a genuine TPM in the approved state of its own, and shows the customer's machine with its own quote,
// or its own machine.
TEST_F(InsertionsIntoAState, StayShutForWhoMixesTwoTpms) {
  Machine forger;
  terms.insertion_key = forger.key.public_key().der();
  auto mixed = forger.prove(terms);
  mixed.state->ek_certificates = proof.state->ek_certificates;
  mixed.state->endorsement_key = proof.state->endorsement_key;
  const auto sent = insert(terms, mixed);
  ASSERT_THAT(sent,
              Succeeds());  // what is shown fits together; only the TPM can tell that it is two machines'
  EXPECT_THAT(forger.open(terms, sent->sealed), FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_THAT(tpm::open_attestation_credential(machine.tpm, sent->sealed.credential),
              FailsWith(ErrorCode::challenge_response_differs));
  const auto shared = forger.key.ecdh(ephemeral_key_of(sent->sealed).value()).value();
  EXPECT_THAT(open_insertion(terms, sent->sealed, shared, {}), FailsWith(ErrorCode::authentication_failed));
  EXPECT_FALSE(insert(terms, forger.prove(terms))) << "another maker's TPM";
}

TEST_F(InsertionsIntoAState, AreNotSentToWhoShowsTheOtherProof) {
  EXPECT_THAT(insert(terms, {{Bytes(10, 1)}, {}}), FailsAt(ErrorCode::failed_precondition, "proof"));
  const InsertionTrust certified{trust.roots, std::nullopt};
  EXPECT_THAT(insert_into(certified, terms, proof, payload, SystemClock{}.now()),
              FailsAt(ErrorCode::failed_precondition, "proof"));
}

}  // namespace
}  // namespace sealift::tee
