// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/security_module.h"

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::host;
using tee::HostForTest;

TEST_F(SecurityModuleTest, AsksAnUnknownHostAndSealsToItOnceItHasAnswered) {
  ASSERT_THAT(put(sm), Succeeds());
  const auto asked = ask(sm, host().evidence());
  ASSERT_THAT(asked, Succeeds());
  ASSERT_TRUE(asked->has_question());
  EXPECT_EQ(asked->question().expires_at(), test_pki::kNow + replica.limits.question_lifetime.count());
  const auto answered = answer(sm, asked->question(), answer_of(host(), asked->question()));
  ASSERT_THAT(answered, Succeeds());
  const auto& sealed = answered->sealed_data();
  EXPECT_EQ(sealed.storage_key_name(), text_of(host().storage_key.name().view()));
  EXPECT_EQ(sealed.policy(), text_of(tpm::Policy{}.pcr(tpm::some_pcrs()).digest().view()));
}

TEST_F(SecurityModuleTest, ReturnsTheVerySameBytesAfterwards) {
  ASSERT_THAT(put(sm), Succeeds());
  const auto first = enrol(sm, host()).value().sealed_data();
  for (int i = 0; i < 3; ++i) {
    const auto again = ask(sm, host().evidence()).value();
    ASSERT_TRUE(again.has_sealed_data());
    EXPECT_EQ(again.sealed_data().SerializeAsString(), first.SerializeAsString());
  }
  EXPECT_EQ(log.count("asked"), 1);
  EXPECT_EQ(log.count("made"), 1);
  EXPECT_EQ(log.count("returned"), 3);
}

TEST_F(SecurityModuleTest, SealsFurtherImagesToAnEnrolledHostWithoutAQuestion) {
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(put(sm, kOtherImage, 2), Succeeds());
  const auto first = enrol(sm, host()).value().sealed_data();
  const auto second = ask(sm, host().evidence(), kOtherImage).value();
  ASSERT_TRUE(second.has_sealed_data());
  EXPECT_NE(second.sealed_data().seed(), first.seed());
}

TEST_F(SecurityModuleTest, AsksAHostThatOnlyAnotherTenantKnows) {
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(put(sm, kImage, 2, policy_for_test(), kOtherTenant), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  const auto asked = ask(sm, host().evidence(), kImage, kOtherTenant).value();
  EXPECT_TRUE(asked.has_question());
}

TEST_F(SecurityModuleTest, AnswersForAnotherTenantsImageAsForNone) {
  ASSERT_THAT(put(sm), Succeeds());
  const auto others = ask(sm, host().evidence(), kImage, kOtherTenant);
  const auto nobodys = ask(sm, host().evidence(), kOtherImage, kOtherTenant);
  ASSERT_THAT(others, FailsAt(ErrorCode::not_found, "image_id"));
  ASSERT_THAT(nobodys, FailsAt(ErrorCode::not_found, "image_id"));
  EXPECT_EQ(others.error().message, nobodys.error().message);
  EXPECT_THAT(answer(sm, {}, {}, kImage, kOtherTenant), FailsAt(ErrorCode::not_found, "image_id"));
}

TEST_F(SecurityModuleTest, ListsTheHostsOfATenantInPages) {
  std::vector<std::unique_ptr<HostForTest>> hosts;
  ASSERT_THAT(put(sm), Succeeds());
  std::set<std::string> names;
  for (int i = 0; i < 3; ++i) {
    const auto& added = hosts.emplace_back(std::make_unique<HostForTest>());
    names.insert(text_of(added->storage_key.name().view()));
    ASSERT_THAT(enrol(sm, *added), Succeeds());
  }
  v1::ListEnrolledHostsRequest request;
  request.set_limit(2);
  const auto first = sm.list_enrolled_hosts(asker(), request).value();
  ASSERT_EQ(first.hosts_size(), 2);
  EXPECT_TRUE(first.more());
  request.set_after(first.hosts(1).storage_key_name());
  const auto second = sm.list_enrolled_hosts(asker(), request).value();
  ASSERT_EQ(second.hosts_size(), 1);
  EXPECT_FALSE(second.more());
  EXPECT_EQ(second.hosts(0).enrolled_at(), test_pki::kNow);
  EXPECT_EQ(second.hosts(0).hardware_key_hash().size(), 32U);
  const std::set<std::string> seen{first.hosts(0).storage_key_name(), first.hosts(1).storage_key_name(),
                                   second.hosts(0).storage_key_name()};
  EXPECT_EQ(seen, names);
  EXPECT_EQ(sm.list_enrolled_hosts(asker(kOtherTenant), {}).value().hosts_size(), 0);
}

TEST_F(SecurityModuleTest, HoldsOnlySoManyQuestionsOpen) {
  replica.limits.open_questions = 3;
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(put(sm, kImage, 2, policy_for_test(), kOtherTenant), Succeeds());
  const auto first = ask(sm, host().evidence()).value();
  for (int i = 1; i < 3; ++i) ASSERT_THAT(ask(sm, host().evidence()), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence()), FailsWith(ErrorCode::resource_exhausted));
  EXPECT_THAT(ask(sm, host().evidence(), kImage, kOtherTenant), Succeeds());
  ASSERT_THAT(sm.forget_expired_questions(), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence()), FailsWith(ErrorCode::resource_exhausted));
  clock.advance(replica.limits.question_lifetime);
  ASSERT_THAT(sm.forget_expired_questions(), Succeeds());
  EXPECT_THAT(ask(sm, host().evidence()), Succeeds());
}

TEST_F(SecurityModuleTest, RecordsEachDecisionOnce) {
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  EXPECT_FALSE(ask(sm, as_bytes("no evidence")));
  const auto lines = log.lines();
  ASSERT_EQ(lines.size(), 4U);
  const std::vector<std::string_view> actions{"put_seed", "request_authorization", "answer_question",
                                              "request_authorization"};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].decision.action, actions[i]);
    EXPECT_EQ(lines[i].decision.asker.tenant, kTenant);
    EXPECT_EQ(lines[i].decision.image_id, kImage);
    EXPECT_EQ(lines[i].refusal.has_value(), i == 3);
  }
  EXPECT_EQ(lines[1].decision.outcome, "asked");
  EXPECT_EQ(lines[2].decision.outcome, "made");
  EXPECT_EQ(lines[2].decision.storage_key_name, host().storage_key.name().hex());
  EXPECT_EQ(lines[3].refusal->code, ErrorCode::malformed);
}

TEST_F(SecurityModuleTest, AuthorizesNoMoreHostsThanThePolicyAllows) {
  auto policy = policy_for_test();
  policy.set_maximum_hosts(1);
  ASSERT_THAT(put(sm, kImage, 1, policy), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  const tee::HostForTest second;
  EXPECT_THAT(enrol(sm, second), FailsAt(ErrorCode::failed_precondition, "policy.maximum_hosts"));
  EXPECT_THAT(ask(sm, host().evidence()), Succeeds());
}

TEST_F(SecurityModuleTest, AuthorizesNobodyOutsideThePolicysTime) {
  auto policy = policy_for_test();
  policy.set_not_after(crypto::unix_seconds(clock.now()) + 100);
  ASSERT_THAT(put(sm, kImage, 1, policy), Succeeds());
  const auto asked = ask(sm, host().evidence());
  ASSERT_THAT(asked, Succeeds());
  clock.advance(std::chrono::seconds{100});
  EXPECT_THAT(answer(sm, asked->question(), answer_of(host(), asked->question())),
              FailsAt(ErrorCode::failed_precondition, "policy.not_after"));
  EXPECT_THAT(ask(sm, host().evidence()), FailsAt(ErrorCode::failed_precondition, "policy.not_after"));
}

}  // namespace
}  // namespace sealift::securitymodule
