// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/insertions.h"

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

/// A key that the customer's authority certified.
class KeyForTest final : public InsertionKey {
 public:
  crypto::PrivateKey key = test_pki::ec_key();
  Bytes certificate;

  Result<Offer> offer() const override { return Offer{key.public_key().der(), {}}; }
  Result<tee::InsertionProof> prove(const tee::InsertionTerms& /*terms*/) const override {
    return tee::InsertionProof{{certificate}, {}};
  }
  Result<Secrets> secrets_of(ByteView /*kept*/, const tee::SealedInsertion& sealed) const override {
    SEALIFT_TRY(const auto ephemeral, tee::ephemeral_key_of(sealed));
    SEALIFT_TRY(auto shared, key.ecdh(ephemeral));
    return Secrets{std::move(shared), {}};
  }
};

class InsertionsTest : public SecurityModuleTest {
 protected:
  InsertionsTest() {
    key.certificate =
        authority.sign(tee::insertion_certificate_draft(key.key.public_key(), "sm", test_pki::kCurrent))
            ->der();
  }
  Result<v1::BeginInsertionResponse> begin(SecurityModule& at, const std::string& image = kImage) {
    v1::BeginInsertionRequest request;
    request.set_image_id(image);
    request.set_nonce(std::string(tee::kInsertionNonceSize, 'n'));
    return at.begin_insertion(asker(), request);
  }
  /// As the customer seals it for what was begun.
  v1::InsertSeedRequest sealed_for(const v1::BeginInsertionResponse& begun, const std::string& image = kImage,
                                   std::uint8_t seed = 1, const std::string& tenant = kTenant) {
    v1::PutSeedRequest put;
    put.set_image_id(image);
    put.set_seed(std::string(esm::kSeedSize, static_cast<char>(seed)));
    *put.mutable_policy() = policy_for_test();
    const tee::InsertionTerms terms{tenant,
                                    image,
                                    "sealift.v1.SeedService.InsertSeed",
                                    begun.insertion_id(),
                                    begun.expires_at(),
                                    Bytes(tee::kInsertionNonceSize, 'n'),
                                    to_bytes(as_bytes(begun.insertion_key()))};
    sent_ = tee::insert_into(trust, terms, {{key.certificate}, {}}, as_bytes(put.SerializeAsString()),
                             clock.now())
                .value();
    v1::InsertSeedRequest request;
    request.set_image_id(image);
    request.set_insertion_id(begun.insertion_id());
    request.set_ephemeral_key(text_of(sent_->sealed.ephemeral_key));
    request.set_ciphertext(text_of(sent_->sealed.ciphertext));
    return request;
  }
  Result<v1::InsertSeedResponse> insert(SecurityModule& at, const v1::InsertSeedRequest& request,
                                        const std::string& tenant = kTenant) {
    return at.insert_seed(asker(tenant), request);
  }

  crypto::CertificateAuthority authority =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Acme", test_pki::kCurrent).value();
  tee::InsertionTrust trust{
      crypto::TrustedRoots::create({{authority.certificate()}, {}, {}, crypto::CrlPolicy::where_given})
          .value(),
      std::nullopt};
  KeyForTest key;
  std::optional<tee::InsertionSent> sent_;
  SecurityModule with_key{
      {kTenant, kOtherTenant}, replica.stores.all(), replica.vault, clock, replica.limits, log, &key};
};

TEST_F(InsertionsTest, BringASeedThatHostsAreThenAuthorizedWith) {
  const auto begun = begin(with_key);
  ASSERT_THAT(begun, Succeeds());
  const auto inserted = insert(with_key, sealed_for(*begun));
  ASSERT_THAT(inserted, Succeeds());
  EXPECT_TRUE(same_bytes(as_bytes(inserted->confirmation()), sent_->confirmation.view()));
  EXPECT_THAT(enrol(with_key, tee::host()), Succeeds());
  // The same again is accepted, under terms of its own; another seed is not.
  EXPECT_THAT(insert(with_key, sealed_for(begin(with_key).value())), Succeeds());
  EXPECT_THAT(insert(with_key, sealed_for(begin(with_key).value(), kImage, 2)),
              FailsAt(ErrorCode::already_exists, "seed"));
  EXPECT_EQ(log.count("accepted"), 2);
}

TEST_F(InsertionsTest, CountOnce) {
  const auto request = sealed_for(begin(with_key).value());
  ASSERT_THAT(insert(with_key, request), Succeeds());
  EXPECT_THAT(insert(with_key, request), FailsAt(ErrorCode::challenge_used, "insertion_id"));
  // Nor does a seed that was deleted come back by a replay, at whichever replica.
  v1::DeleteSeedRequest remove;
  remove.set_image_id(kImage);
  ASSERT_THAT(with_key.delete_seed(asker(), remove), Succeeds());
  ReplicaForTest other{url(), clock, log};
  SecurityModule second{{kTenant}, other.stores.all(), other.vault, clock, other.limits, log, &key};
  EXPECT_THAT(insert(second, request), FailsAt(ErrorCode::challenge_used, "insertion_id"));
  EXPECT_THAT(enrol(with_key, tee::host()), FailsAt(ErrorCode::not_found, "image_id"));
}

TEST_F(InsertionsTest, CanBeFinishedAtAnotherReplica) {
  const auto begun = begin(with_key).value();
  ReplicaForTest other{url(), clock, log};
  SecurityModule second{{kTenant}, other.stores.all(), other.vault, clock, other.limits, log, &key};
  EXPECT_THAT(insert(second, sealed_for(begun)), Succeeds());
}

TEST_F(InsertionsTest, Expire) {
  const auto request = sealed_for(begin(with_key).value());
  clock.advance(replica.limits.question_lifetime);
  EXPECT_THAT(insert(with_key, request), FailsAt(ErrorCode::challenge_expired, "insertion_id"));
  EXPECT_THAT(insert(with_key, request), FailsAt(ErrorCode::challenge_used, "insertion_id"));
}

TEST_F(InsertionsTest, AreForTheirImageAndTenantAlone) {
  auto moved = sealed_for(begin(with_key).value());
  moved.set_image_id(kOtherImage);
  EXPECT_THAT(insert(with_key, moved), FailsAt(ErrorCode::failed_precondition, "image_id"));
  const auto request = sealed_for(begin(with_key).value());
  EXPECT_THAT(insert(with_key, request, kOtherTenant), FailsAt(ErrorCode::challenge_used, "insertion_id"));
  EXPECT_THAT(insert(with_key, request), Succeeds()) << "another tenant's attempt spends nothing";
  // Sealed for this tenant, and put into an insertion that the other tenant began.
  v1::BeginInsertionRequest theirs;
  theirs.set_image_id(kImage);
  theirs.set_nonce(std::string(tee::kInsertionNonceSize, 'n'));
  const auto begun = with_key.begin_insertion(asker(kOtherTenant), theirs).value();
  EXPECT_THAT(insert(with_key, sealed_for(begun), kOtherTenant),
              FailsAt(ErrorCode::authentication_failed, "ciphertext"));
}

TEST_F(InsertionsTest, OfAnotherImagesSeedAreRefused) {
  const auto begun = begin(with_key).value();
  auto request = sealed_for(begun);
  v1::PutSeedRequest put;
  put.set_image_id(kOtherImage);
  put.set_seed(std::string(esm::kSeedSize, 's'));
  const tee::InsertionTerms terms{kTenant,
                                  kImage,
                                  "sealift.v1.SeedService.InsertSeed",
                                  begun.insertion_id(),
                                  begun.expires_at(),
                                  Bytes(tee::kInsertionNonceSize, 'n'),
                                  to_bytes(as_bytes(begun.insertion_key()))};
  for (const auto& [payload, refusal] : {std::pair{put.SerializeAsString(), ErrorCode::invalid_argument},
                                         std::pair{std::string{"\xff\xff\xff"}, ErrorCode::malformed}}) {
    const auto again = begin(with_key).value();
    auto now = terms;
    now.insertion_id = again.insertion_id();
    const auto sent = tee::insert_into(trust, now, {{key.certificate}, {}}, as_bytes(payload), clock.now());
    request.set_insertion_id(again.insertion_id());
    request.set_ephemeral_key(text_of(sent->sealed.ephemeral_key));
    request.set_ciphertext(text_of(sent->sealed.ciphertext));
    EXPECT_THAT(insert(with_key, request), FailsWith(refusal));
  }
}

TEST_F(InsertionsTest, AreSpentByAnAlteredAttempt) {
  auto request = sealed_for(begin(with_key).value());
  auto altered = request;
  altered.mutable_ciphertext()->back() ^= 1;
  EXPECT_THAT(insert(with_key, altered), FailsAt(ErrorCode::authentication_failed, "ciphertext"));
  EXPECT_THAT(insert(with_key, request), FailsAt(ErrorCode::challenge_used, "insertion_id"));
}

TEST_F(InsertionsTest, NeedAKeyAndANonce) {
  EXPECT_THAT(begin(sm), FailsAt(ErrorCode::failed_precondition, "insertion_key"));
  EXPECT_THAT(insert(sm, {}), FailsAt(ErrorCode::invalid_argument, "image_id"));
  v1::BeginInsertionRequest request;
  request.set_image_id(kImage);
  request.set_nonce(std::string(16, 'n'));
  EXPECT_THAT(with_key.begin_insertion(asker(), request), FailsAt(ErrorCode::invalid_argument, "nonce"));
}

TEST_F(InsertionsTest, AreBoundedForEachTenant) {
  replica.limits.open_questions = 3;
  for (int i = 0; i < 3; ++i) EXPECT_THAT(begin(with_key), Succeeds());
  EXPECT_THAT(begin(with_key), FailsAt(ErrorCode::resource_exhausted, "insertion_id"));
}

}  // namespace
}  // namespace sealift::securitymodule
