// SPDX-License-Identifier: Apache-2.0
#include "tee/insertion.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tee/insertion_proof.h"
#include "tests/certificates/test_pki.h"

namespace sealift::tee {
namespace {

crypto::TrustedRoots roots_of(const crypto::CertificateAuthority& authority) {
  return crypto::TrustedRoots::create({{authority.certificate()}, {}, {}, crypto::CrlPolicy::where_given})
      .value();
}

/// A customer, their authority, and a security module whose key it certified.
class Insertions : public testing::Test {
 protected:
  crypto::CertificateAuthority authority =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Acme", test_pki::kCurrent).value();
  crypto::PrivateKey key = test_pki::ec_key();
  InsertionTrust trust{roots_of(authority), std::nullopt};
  InsertionTerms terms{"acme",
                       "000102030405060708090a0b0c0d0e0f",
                       "sealift.v1.SeedService.InsertSeed",
                       "00112233445566778899aabbccddeeff",
                       test_pki::kNow + 300,
                       Bytes(kInsertionNonceSize, 7),
                       key.public_key().der()};
  const Bytes payload = Bytes(100, 0x5e);

  InsertionProof certified(const crypto::PrivateKey& for_key,
                           const crypto::Validity& validity = test_pki::kCurrent) const {
    return {{authority.sign(insertion_certificate_draft(for_key.public_key(), "sm", validity))->der()}, {}};
  }
  Result<InsertionSent> insert(const InsertionProof& proof) const {
    return insert_into(trust, terms, proof, payload, test_pki::now());
  }
  static Result<InsertionReceived> open(const crypto::PrivateKey& with, const InsertionTerms& terms,
                                        const SealedInsertion& sealed, ByteView activation_secret = {}) {
    SEALIFT_TRY(const auto ephemeral, ephemeral_key_of(sealed));
    SEALIFT_TRY(const auto shared, with.ecdh(ephemeral));
    return open_insertion(terms, sealed, shared, activation_secret);
  }
};

TEST_F(Insertions, ReachTheCertifiedKeyAlone) {
  const auto sent = insert(certified(key));
  ASSERT_THAT(sent, Succeeds());
  const auto received = open(key, terms, sent->sealed);
  ASSERT_THAT(received, Succeeds());
  EXPECT_TRUE(received->payload.equals(payload));
  EXPECT_EQ(received->confirmation, sent->confirmation);
  EXPECT_EQ(std::ranges::search(sent->sealed.ciphertext, Bytes(16, 0x5e)).size(), 0U);
  EXPECT_THAT(open(test_pki::ec_key(), terms, sent->sealed),
              FailsAt(ErrorCode::authentication_failed, "ciphertext"));
}

TEST_F(Insertions, AreNotSentToAKeyThatNobodyTrustedCertified) {
  const auto stranger =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Acme", test_pki::kCurrent).value();
  const auto theirs =
      stranger.sign(insertion_certificate_draft(key.public_key(), "sm", test_pki::kCurrent))->der();
  EXPECT_FALSE(insert({{theirs}, {}}));
  EXPECT_FALSE(insert({{theirs, stranger.certificate().der()}, {}}));
  EXPECT_THAT(insert(certified(test_pki::ec_key())),
              FailsAt(ErrorCode::authentication_failed, "insertion_key"));
  EXPECT_THAT(insert(certified(key, test_pki::kPast)), FailsWith(ErrorCode::certificate_expired));
  EXPECT_THAT(insert({}), FailsAt(ErrorCode::malformed, "certificates"));
  terms.insertion_id.assign(70000, 'a');
  EXPECT_THAT(insert(certified(key)), FailsAt(ErrorCode::malformed, "terms"));
}

// The same authority may certify servers and clients: such a certificate makes nobody a security module.
TEST_F(Insertions, AreNotSentToTheHolderOfAnotherKindOfCertificate) {
  crypto::CertificateDraft draft;
  draft.subject = {{"CN", "sm"}};
  draft.validity = test_pki::kCurrent;
  draft.public_key_info = key.public_key().der();
  const auto shown = [&](std::vector<std::pair<std::string, std::string>> extensions) {
    draft.extensions = std::move(extensions);
    return InsertionProof{{authority.sign(draft)->der()}, {}};
  };
  const std::string usage{kInsertionUsage};
  for (const auto& proof :
       {shown({{"keyUsage", "critical,digitalSignature,keyAgreement"},
               {"extendedKeyUsage", "serverAuth,clientAuth"}}),
        shown({{"keyUsage", "critical,keyAgreement"}}),
        shown({{"keyUsage", "critical,keyAgreement"}, {"extendedKeyUsage", "serverAuth," + usage}})})
    EXPECT_THAT(insert(proof), FailsAt(ErrorCode::certificate_usage_refused, "extendedKeyUsage"));
  EXPECT_THAT(insert(shown({{"keyUsage", "critical,digitalSignature"}, {"extendedKeyUsage", usage}})),
              FailsAt(ErrorCode::certificate_usage_refused, "keyUsage"));
  EXPECT_THAT(insert(shown({{"basicConstraints", "critical,CA:TRUE"}, {"extendedKeyUsage", usage}})),
              FailsAt(ErrorCode::certificate_usage_refused, "basicConstraints"));
}

TEST_F(Insertions, StayShutUnderAnyOtherTerms) {
  const auto sent = insert(certified(key)).value();
  std::vector<InsertionTerms> others(6, terms);
  others[0].tenant = "umbrella";
  others[1].image_id[0] = 'f';
  others[2].method = "sealift.v1.SeedService.DeleteSeed";
  others[3].insertion_id[0] = 'f';
  others[4].expires_at += 1;
  others[5].nonce[0] ^= 1;
  for (const auto& other : others)
    EXPECT_THAT(open(key, other, sent.sealed), FailsAt(ErrorCode::authentication_failed, "ciphertext"));
  // No two terms are written the same.
  auto moved = terms;
  moved.tenant += moved.image_id.substr(0, 1);
  moved.image_id.erase(0, 1);
  EXPECT_NE(moved.text(), terms.text());
}

TEST_F(Insertions, StayShutWithAnyBitAlteredOrMissing) {
  const auto sent = insert(certified(key)).value();
  for (auto part : {&SealedInsertion::ciphertext, &SealedInsertion::ephemeral_key}) {
    auto altered = sent.sealed;
    auto& bytes = altered.*part;
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
      bytes[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
      EXPECT_FALSE(open(key, terms, altered)) << i;
      bytes[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    }
    const auto whole = bytes;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      bytes = to_bytes(ByteView{whole}.first(size));
      EXPECT_FALSE(open(key, terms, altered)) << size;
    }
  }
}

TEST_F(Insertions, TakeKeysOnP256Alone) {
  const auto larger = crypto::PrivateKey::generate_ec(crypto::Curve::p384).value();
  terms.insertion_key = larger.public_key().der();
  EXPECT_THAT(insert(certified(larger)), FailsAt(ErrorCode::key_unsupported, "insertion_key"));
  SealedInsertion sealed{larger.public_key().der(), {}, Bytes(40, 1)};
  EXPECT_THAT(ephemeral_key_of(sealed), FailsAt(ErrorCode::key_unsupported, "ephemeral_key"));
}

}  // namespace
}  // namespace sealift::tee
