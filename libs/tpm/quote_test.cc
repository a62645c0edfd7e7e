// SPDX-License-Identifier: Apache-2.0
#include "tpm/quote.h"

#include <gtest/gtest.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/matchers.h"
#include "crypto/random.h"
#include "tpm/commands.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

class Quotes : public testing::Test {
 protected:
  PcrSelection pcrs = PcrSelection::parse("sha256:7").value();
  SwtpmForTest swtpm = SwtpmForTest::start_with_certificates().value();
  Tpm tpm = Tpm::open(swtpm.tcti()).value();
  const Bytes terms = Bytes(kQualifyingDataSize, 0x17);
  StateProof proof = prove_state(tpm, pcrs, terms).value();
  PcrValues state = read_pcrs(tpm, pcrs).value();

  Status verify(const Quote& quote) const { return verify_quote(proof.attestation_key, quote, terms, state); }
  std::size_t slots_in_use() {
    return handles_in_use(tpm, kFirstTransient).value().size() +
           handles_in_use(tpm, kFirstLoadedSession).value().size();
  }
};

TEST_F(Quotes, SayTheStateAndWhatTheyAreBoundTo) {
  EXPECT_THAT(verify(proof.quote), Succeeds());
  EXPECT_EQ(slots_in_use(), 0U);
  EXPECT_THAT(verify_quote(proof.attestation_key, proof.quote, Bytes(kQualifyingDataSize, 0x18), state),
              FailsAt(ErrorCode::authentication_failed, "qualifying_data"));
  const auto event = crypto::digest(HashAlgorithm::sha256, as_bytes("other software"));
  ASSERT_THAT(extend_pcr(tpm, 7, {{HashAlgorithm::sha256, event}}), Succeeds());
  const auto other = prove_state(tpm, pcrs, terms).value();
  EXPECT_EQ(other.attestation_key, proof.attestation_key);  // the same key each time
  EXPECT_THAT(verify(other.quote), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
  const auto more = PcrSelection::parse("sha256:7,8").value();
  EXPECT_THAT(verify(prove_state(tpm, more, terms)->quote), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
}

TEST_F(Quotes, AreRefusedWithAnyByteAltered) {
  for (auto* const part : {&proof.quote.attested, &proof.quote.signature}) {
    for (std::size_t i = 0; i < part->size() * 8; ++i) {
      (*part)[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
      EXPECT_FALSE(verify(proof.quote)) << i;
      (*part)[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    }
    const auto whole = *part;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      *part = to_bytes(ByteView{whole}.first(size));
      EXPECT_FALSE(verify(proof.quote)) << size;
    }
    *part = whole;
    part->push_back(0);
    EXPECT_FALSE(verify(proof.quote));
    part->pop_back();
  }
  EXPECT_THAT(verify(proof.quote), Succeeds());
}

// An unrestricted key signs whatever it is given, quotes that no TPM made among it.
TEST_F(Quotes, OfAKeyThatSignsOtherThingsAreRefused) {
  auto area = attestation_key_template();
  area.objectAttributes &= ~static_cast<TPMA_OBJECT>(TPMA_OBJECT_RESTRICTED);
  auto session = Session::empty_auth();
  const auto key = create_primary(tpm, Entity::permanent(TPM2_RH_ENDORSEMENT), session, area);
  ASSERT_THAT(key, Succeeds());
  EXPECT_THAT(verify_quote(key->area, proof.quote, terms, state),
              FailsAt(ErrorCode::key_unsupported, "attestation_key"));
}

TEST_F(Quotes, AreTakenByTpm2ToolsToo) {
  ASSERT_THAT(write_file(swtpm.path("attested"), proof.quote.attested), Succeeds());
  ASSERT_THAT(write_file(swtpm.path("signature"), proof.quote.signature), Succeeds());
  ASSERT_THAT(write_file(swtpm.path("key.pem"), as_bytes(proof.attestation_key.key()->pem())), Succeeds());
  EXPECT_THAT(swtpm.tool_checked({"tpm2_checkquote", "-u", swtpm.path("key.pem").native(), "-m",
                                  swtpm.path("attested").native(), "-s", swtpm.path("signature").native(),
                                  "-q", to_hex(terms)}),
              Succeeds());
}

TEST_F(Quotes, ComeFromTheTpmOfTheEkThatOpensACredentialForBoth) {
  const auto secret = crypto::random_array<32>();
  const auto& key = proof.attestation_key;
  const auto credential = make_credential(proof.endorsement_key, key.name(), secret).value();
  const auto opened = open_attestation_credential(tpm, credential_file(credential));
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->equals(secret));
  EXPECT_EQ(slots_in_use(), 0U);

  const auto for_another =
      make_credential(proof.endorsement_key, proof.endorsement_key.name(), secret).value();
  EXPECT_THAT(open_attestation_credential(tpm, credential_file(for_another)),
              FailsAt(ErrorCode::challenge_response_differs, "credential"));
  const auto other = SwtpmForTest::start_with_certificates().value();
  auto other_tpm = Tpm::open(other.tcti()).value();
  EXPECT_THAT(open_attestation_credential(other_tpm, credential_file(credential)),
              FailsAt(ErrorCode::challenge_response_differs, "credential"));
  EXPECT_FALSE(open_attestation_credential(tpm, Bytes(20, 1)));
}

TEST_F(Quotes, AreNotMadeWithoutAnEkCertificate) {
  const auto bare = SwtpmForTest::start().value();
  auto bare_tpm = Tpm::open(bare.tcti()).value();
  EXPECT_THAT(prove_state(bare_tpm, pcrs, terms), FailsWith(ErrorCode::ek_certificate_missing));
}

}  // namespace
}  // namespace sealift::tpm
