// SPDX-License-Identifier: Apache-2.0
// A malicious orchestrator, host or administrator of the database.
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::host;
using tee::HostForTest;

const HostForTest& other_host() {
  static const HostForTest kOther;
  return kOther;
}

Bytes evidence_of(const crypto::Certificate& certificate, const tpm::Public& ek, const tpm::Public& key) {
  return to_bytes(as_bytes(tpm::to_json(tpm::Evidence{"firmware", {certificate.der()}, ek, key})));
}

/// The policy, with lists of today on which `revoked` stands.
v1::SeedPolicy policy_revoking(const std::vector<crypto::Certificate>& revoked) {
  auto trust = test_pki::pki().trust();
  trust.crls = {test_pki::pki().root_crl,
                test_pki::pki().intermediate.issue_crl(revoked, test_pki::kCurrent, 2).value()};
  return policy_for(trust, tpm::some_pcrs());
}

class AttacksTest : public SecurityModuleTest {
 protected:
  void SetUp() override {
    ASSERT_THAT(put(sm), Succeeds());
    ASSERT_THAT(put(sm, kOtherImage, 2), Succeeds());
    ASSERT_THAT(put(sm, kImage, 3, policy_for_test(), kOtherTenant), Succeeds());
  }
  v1::Question question() { return ask(sm, host().evidence()).value().question(); }
};

TEST_F(AttacksTest, ByAnAlteredQuestionOrAnswerFail) {
  const auto asked = question();
  auto wrong = answer_of(host(), asked);
  wrong[5] ^= 1U;
  EXPECT_THAT(answer(sm, asked, wrong), FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_THAT(answer(sm, asked, answer_of(host(), asked)), FailsWith(ErrorCode::challenge_used));
}

TEST_F(AttacksTest, ByAnEmptyOrEndlessAnswerFail) {
  EXPECT_THAT(answer(sm, question(), {}), FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_THAT(answer(sm, question(), Bytes(50'000)), FailsWith(ErrorCode::challenge_response_differs));
}

TEST_F(AttacksTest, ByAReplayedAnswerFail) {
  const auto asked = question();
  const auto right = answer_of(host(), asked);
  ASSERT_THAT(answer(sm, asked, right), Succeeds());
  EXPECT_THAT(answer(sm, asked, right), FailsAt(ErrorCode::challenge_used, "question_id"));
}

TEST_F(AttacksTest, ByTheAnswerToAnotherQuestionFail) {
  const auto first = question();
  const auto second = question();
  EXPECT_THAT(answer(sm, second, answer_of(host(), first)), FailsWith(ErrorCode::challenge_response_differs));
}

TEST_F(AttacksTest, ByAnAnswerThatComesTooLateFail) {
  const auto asked = question();
  const auto right = answer_of(host(), asked);
  clock.advance(replica.limits.question_lifetime);
  EXPECT_THAT(answer(sm, asked, right), FailsWith(ErrorCode::challenge_expired));
  EXPECT_EQ(log.count("made"), 0);
}

TEST_F(AttacksTest, ByAQuestionThatWasNeverAskedFail) {
  v1::Question invented;
  for (const auto* id : {"", "00112233445566778899aabbccddeeff", "' OR 1=1 --"}) {
    invented.set_question_id(id);
    EXPECT_THAT(answer(sm, invented, Bytes(32)), FailsAt(ErrorCode::challenge_used, "question_id"));
  }
}

TEST_F(AttacksTest, ByTheAnswerForAnotherImageFail) {
  const auto asked = question();
  EXPECT_THAT(answer(sm, asked, answer_of(host(), asked), kOtherImage),
              FailsAt(ErrorCode::failed_precondition, "image_id"));
}

TEST_F(AttacksTest, ByTheAnswerForAnotherTenantFail) {
  const auto asked = question();
  const auto right = answer_of(host(), asked);
  EXPECT_THAT(answer(sm, asked, right, kImage, kOtherTenant),
              FailsAt(ErrorCode::challenge_used, "question_id"));
  EXPECT_THAT(answer(sm, asked, right), Succeeds());
}

TEST_F(AttacksTest, ByAnAnswerAfterThePolicyHasChangedFail) {
  const auto asked = question();
  v1::DeleteSeedRequest request;
  request.set_image_id(kImage);
  ASSERT_THAT(sm.delete_seed(asker(), request), Succeeds());
  ASSERT_THAT(put(sm, kImage, 1, policy_revoking({host().ek_certificate})), Succeeds());
  EXPECT_THAT(answer(sm, asked, answer_of(host(), asked)), FailsAt(ErrorCode::failed_precondition, "policy"));
}

TEST_F(AttacksTest, ByAStorageKeyThatIsInNoTpmFail) {
  const auto software = tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::p256), tpm::KeyKind::p256);
  const auto asked = ask(sm, evidence_of(host().ek_certificate, host().ek_public, software)).value();
  const auto credential = tpm::parse_credential_file(as_bytes(asked.question().question())).value();
  // The TPM does not give the secret out for a key that it has not.
  EXPECT_FALSE(host().activate(credential));
  EXPECT_THAT(answer(sm, asked.question(), Bytes(32, 1)), FailsWith(ErrorCode::challenge_response_differs));
}

TEST_F(AttacksTest, ByAnotherKindOfHostFail) {
  v1::RequestAuthorizationRequest request;
  request.set_image_id(kImage);
  request.set_evidence(text_of(host().evidence()));
  for (const auto* tee : {"", "sev", "pef", "Measured"}) {
    request.set_tee(tee);
    EXPECT_THAT(sm.request_authorization(asker(), request), FailsAt(ErrorCode::failed_precondition, "tee"))
        << tee;
  }
}

TEST_F(AttacksTest, ByAlteredEvidenceGetNoSealedData) {
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  const auto whole = host().evidence();
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    auto edited = whole;
    edited[i] ^= 4U;
    const auto authorized = ask(sm, edited);
    // A flaw in the certificate's padding or in white space may go unnoticed; another key may not.
    if (authorized && authorized->has_sealed_data()) {
      EXPECT_EQ(authorized->sealed_data().storage_key_name(), text_of(host().storage_key.name().view())) << i;
    }
  }
  EXPECT_EQ(replica.stores.authorizations->count_of_image(kTenant, kImage, 100).value(), 1);
}

TEST_F(AttacksTest, ByARevokedHostFailBeforeTheQuestion) {
  ASSERT_THAT(put(sm, std::string(32, 'a'), 4, policy_revoking({host().ek_certificate})), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence(), std::string(32, 'a')),
              FailsAt(ErrorCode::certificate_revoked, "chain[0]"));
}

TEST_F(AttacksTest, ByAHostThatWasRevokedAfterItsEnrolmentFail) {
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  ASSERT_THAT(put(sm, std::string(32, 'a'), 4, policy_revoking({host().ek_certificate})), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence(), std::string(32, 'a')),
              FailsAt(ErrorCode::certificate_revoked, "chain[0]"));
}

TEST_F(AttacksTest, ByAHostWhoseCertificateHasExpiredSinceFail) {
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  clock.advance(std::chrono::hours{24 * 365});
  const auto authorized = ask(sm, host().evidence());
  ASSERT_FALSE(authorized);
  EXPECT_THAT((std::array{ErrorCode::certificate_expired, ErrorCode::crl_expired}),
              testing::Contains(authorized.error().code));
}

TEST_F(AttacksTest, ByAnEnrolledKeyBehindTheCertificateOfAnotherTpmGetAQuestion) {
  // The certificate of a TPM in good standing before the key of a revoked one: each holds by itself.
  const auto policy = policy_revoking({host().ek_certificate});
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  ASSERT_THAT(put(sm, std::string(32, 'a'), 4, policy), Succeeds());
  const auto mixed = evidence_of(other_host().ek_certificate, other_host().ek_public, host().storage_key);
  EXPECT_TRUE(ask(sm, mixed, std::string(32, 'a')).value().has_question());
  EXPECT_TRUE(ask(sm, mixed).value().has_question());  // though an authorization for that key is stored
}

TEST_F(AttacksTest, ByAHostInAnotherStateFail) {
  auto policy = policy_for_test();
  policy.set_approved_pcrs("sha256:6=" + std::string(64, 'b'));
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  ASSERT_THAT(put(sm, std::string(32, 'a'), 4, policy), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence(), std::string(32, 'a')),
              FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
}

TEST_F(AttacksTest, ByHostsThatNobodyVouchesForFail) {
  auto trust = test_pki::pki().trust();
  const auto stranger =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Stranger", test_pki::kCurrent).value();
  trust.roots = {stranger.certificate()};
  ASSERT_THAT(put(sm, std::string(32, 'a'), 4, policy_for(trust, tpm::some_pcrs())), Succeeds());
  EXPECT_FALSE(ask(sm, host().evidence(), std::string(32, 'a')));
}

// Whoever may write the database.
class DatabaseAttacksTest : public AttacksTest {
 protected:
  void SetUp() override {
    AttacksTest::SetUp();
    sealed_ = enrol(sm, host()).value().sealed_data().SerializeAsString();
  }
  void write(const std::string& sql, const sql::Args& args = {}) {
    ASSERT_THAT(replica.stores.database->write(sql, args), Succeeds()) << sql;
  }
  auto refused() { return FailsWith(ErrorCode::authentication_failed); }
  std::string sealed_;
};

TEST_F(DatabaseAttacksTest, OnAnyBitOfASeedAreNoticed) {
  const auto seed = replica.stores.seeds->get(kTenant, kImage).value();
  const auto set =
      "UPDATE seeds SET wrapped_seed = $1, metadata = $2 WHERE tenant = 'acme' AND image_id = $3";
  for (std::size_t i = 0; i < seed.wrapped_seed.size(); ++i) {
    auto edited = seed.wrapped_seed;
    edited[i] ^= 0x10U;
    write(set, {edited, seed.metadata, std::string{kImage}});
    EXPECT_THAT(ask(sm, host().evidence()), refused()) << i;
  }
  for (std::size_t i = 0; i < seed.metadata.size(); i += 53) {
    auto edited = seed.metadata;
    edited[i] ^= 0x10U;
    write(set, {seed.wrapped_seed, edited, std::string{kImage}});
    EXPECT_THAT(ask(sm, host().evidence()), refused()) << i;
  }
  write(set, {seed.wrapped_seed, seed.metadata, std::string{kImage}});
  EXPECT_THAT(ask(sm, host().evidence()), Succeeds());
}

TEST_F(DatabaseAttacksTest, ThatExchangeSeedsOrPoliciesAreNoticed) {
  write(
      "UPDATE seeds SET wrapped_seed = (SELECT wrapped_seed FROM seeds WHERE image_id = $1), "
      "metadata = (SELECT metadata FROM seeds WHERE image_id = $1) WHERE tenant = 'acme' AND image_id = $2",
      {std::string{kOtherImage}, std::string{kImage}});
  EXPECT_THAT(ask(sm, host().evidence()), refused());
  write(
      "UPDATE seeds SET wrapped_seed = (SELECT wrapped_seed FROM seeds WHERE tenant = 'acme' AND image_id = "
      "$1) "
      "WHERE tenant = 'umbrella'",
      {std::string{kImage}});
  EXPECT_THAT(ask(sm, host().evidence(), kImage, kOtherTenant), refused());
}

TEST_F(DatabaseAttacksTest, ThatNameARootOfTheirOwnAreNoticed) {
  const auto stranger =
      crypto::CertificateAuthority::create_root(test_pki::ec_key(), "Stranger", test_pki::kCurrent).value();
  auto policy = policy_for_test();
  policy.add_trusted_roots(text_of(stranger.certificate().der()));
  const auto seed = replica.stores.seeds->get(kTenant, kImage).value();
  auto metadata = Bytes(seed.metadata.begin(), seed.metadata.begin() + 16);
  const auto document = ImagePolicy::check(policy).value().document();
  metadata.insert(metadata.end(), document.begin(), document.end());
  write("UPDATE seeds SET metadata = $1 WHERE tenant = 'acme' AND image_id = $2",
        {metadata, std::string{kImage}});
  EXPECT_THAT(ask(sm, host().evidence()), refused());
  EXPECT_THAT(sm.list_seeds(asker(), {}), refused());
}

TEST_F(DatabaseAttacksTest, ThatEnrolASoftwareKeyAreNoticed) {
  const auto software = tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::p256), tpm::KeyKind::p256);
  const auto shown = evidence_of(host().ek_certificate, host().ek_public, software);
  write("UPDATE enrolments SET storage_key_name = $1", {to_bytes(software.name().view())});
  EXPECT_THAT(ask(sm, shown), refused());
  EXPECT_THAT(sm.list_enrolled_hosts(asker(), {}), refused());
}

TEST_F(DatabaseAttacksTest, ThatEnrolAHostForAnotherTenantAreNoticed) {
  write("UPDATE enrolments SET tenant = 'umbrella'");
  EXPECT_THAT(ask(sm, host().evidence(), kImage, kOtherTenant), refused());
}

TEST_F(DatabaseAttacksTest, OnAnyByteOfAnEnrolmentAreNoticed) {
  const auto record =
      replica.stores.enrolments->get(kTenant, to_bytes(host().storage_key.name().view())).value();
  for (std::size_t i = 0; i < record.document.size(); ++i) {
    auto edited = record.document;
    edited[i] ^= 0x10U;
    write("UPDATE enrolments SET document = $1", {edited});
    EXPECT_THAT(ask(sm, host().evidence()), refused()) << i;
  }
  write("UPDATE enrolments SET document = $1, enrolled_at = enrolled_at + 1", {record.document});
  EXPECT_THAT(ask(sm, host().evidence()), refused());
  write("UPDATE enrolments SET enrolled_at = enrolled_at - 1, hardware_key_hash = $1", {Bytes(32, 1)});
  EXPECT_THAT(ask(sm, host().evidence()), refused());
}

TEST_F(DatabaseAttacksTest, OnAnyByteOfAnAuthorizationAreNoticed) {
  const auto record = replica.stores.authorizations->list_of_image(kTenant, kImage, {}, 1).value().at(0);
  for (std::size_t i = 0; i < record.sealed_data.size(); i += 3) {
    auto edited = record.sealed_data;
    edited[i] ^= 0x10U;
    write("UPDATE authorizations SET sealed_data = $1", {edited});
    EXPECT_THAT(ask(sm, host().evidence()), refused()) << i;
  }
  write("UPDATE authorizations SET sealed_data = $1", {record.sealed_data});
  EXPECT_EQ(ask(sm, host().evidence()).value().sealed_data().SerializeAsString(), sealed_);
}

TEST_F(DatabaseAttacksTest, OnAQuestionAreNoticed) {
  const auto asked = ask(sm, other_host().evidence()).value().question();
  const auto document = [&] {
    auto record = replica.stores.challenges->take(kTenant, asked.question_id()).value();
    EXPECT_THAT(replica.stores.challenges->put(record), Succeeds());
    return record.document;
  }();
  const auto right = answer_of(other_host(), asked);
  for (std::size_t i = 0; i < document.size(); i += 41) {
    auto edited = document;
    edited[i] ^= 0x10U;
    (void)replica.stores.challenges->take(kTenant, asked.question_id());
    ASSERT_THAT(replica.stores.challenges->put({kTenant, asked.question_id(), edited, asked.expires_at()}),
                Succeeds());
    EXPECT_THAT(answer(sm, asked, right), refused()) << i;
  }
  // Another question's record under this one's id.
  const auto second = ask(sm, other_host().evidence()).value().question();
  write("UPDATE challenges SET challenge_id = $1", {asked.question_id()});
  EXPECT_THAT(answer(sm, asked, answer_of(other_host(), second)), refused());
}

}  // namespace
}  // namespace sealift::securitymodule
