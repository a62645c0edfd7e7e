// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/customer_requests.h"

#include <thread>

#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::SizeIs;

class ACustomersRequest : public ZoneForTest {
 protected:
  /// A KYOK launch that awaits its customer on alpha.
  std::string awaiting() {
    add_host("alpha");
    auto id = launched(request(v1::KEY_MODEL_KEEP));
    show_evidence("alpha");
    EXPECT_EQ(now(id).state(), v1::Launch::STATE_AWAITING_CUSTOMER);
    return id;
  }
  static v1::ZoneWatchConsoleRequest watch(const std::string& id, const std::string& tenant = "acme") {
    v1::ZoneWatchConsoleRequest request;
    request.set_tenant(tenant);
    request.mutable_request()->set_launch_id(id);
    return request;
  }
  static v1::AuthorizeTargetRequest authorization(const std::string& id, std::uint32_t attempt = 1) {
    v1::AuthorizeTargetRequest request;
    request.set_launch_id(id);
    request.set_attempt(attempt);
    *request.mutable_sealed_data() = SecurityModuleForTest::sealed_data();
    return request;
  }
};

TEST_F(ACustomersRequest, WithTheSameKeyGivesTheSameLaunch) {
  const auto first = customers_.create(request(v1::KEY_MODEL_KEEP)).value();
  const auto again = customers_.create(request(v1::KEY_MODEL_KEEP)).value();
  EXPECT_EQ(first.launch_id(), again.launch_id());
}

TEST_F(ACustomersRequest, WithTheSameKeyForSomethingElseIsAConflict) {
  ASSERT_THAT(customers_.create(request(v1::KEY_MODEL_KEEP)), Succeeds());
  EXPECT_THAT(customers_.create(request(v1::KEY_MODEL_BRING)), FailsWith(ErrorCode::conflict));
}

TEST_F(ACustomersRequest, OfTwoTenantsWithTheSameKeyAreTwoLaunches) {
  const auto acme = customers_.create(request(v1::KEY_MODEL_KEEP, "k", "acme")).value();
  const auto other = customers_.create(request(v1::KEY_MODEL_KEEP, "k", "umbrella")).value();
  EXPECT_NE(acme.launch_id(), other.launch_id());
}

TEST_F(ACustomersRequest, AboveTheQuotaIsRefusedAndLeavesOthersAlone) {
  auto one = request(v1::KEY_MODEL_KEEP, "one");
  one.set_max_active(1);
  ASSERT_THAT(customers_.create(one), Succeeds());
  auto two = request(v1::KEY_MODEL_KEEP, "two");
  two.set_max_active(1);
  EXPECT_THAT(customers_.create(two), FailsWith(ErrorCode::resource_exhausted));
  auto other = request(v1::KEY_MODEL_KEEP, "two", "umbrella");
  other.set_max_active(1);
  EXPECT_THAT(customers_.create(other), Succeeds());
}

TEST_F(ACustomersRequest, ForALaunchOfAnotherTenantFindsNone) {
  const auto id = awaiting();
  const std::string other = "umbrella";
  v1::ChallengeTargetRequest question;
  question.set_launch_id(id);
  question.set_attempt(1);
  question.set_question("?");
  v1::RefuseTargetRequest refusal;
  refusal.set_launch_id(id);
  refusal.set_attempt(1);
  EXPECT_THAT(customers_.get(other, id), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.stop(other, id), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.events(other, id, 0), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.target(other, id), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.challenge(other, question), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.authorize(other, authorization(id)), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.refuse(other, refusal), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.console(watch(id, other), {}), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(customers_.list(other, {})->launches(), IsEmpty());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_AWAITING_CUSTOMER);
}

TEST_F(ACustomersRequest, ForAConsoleCostsTheStoreNothingWhereTheHostIsConnected) {
  add_host("alpha");
  const auto id = running("alpha");
  std::string asked;
  connected_.hosts = {"alpha"};
  connected_.on_command = [&](const v1::Command& command) {
    asked = command.command_id();
    v1::CompleteCommandRequest result;
    result.set_command_id(asked);
    result.mutable_console()->set_offset(command.read_console().offset());
    result.mutable_console()->set_data("login: ");
    EXPECT_THAT(reports_.complete("alpha", result), Succeeds());
  };
  EXPECT_EQ(customers_.console(watch(id), {})->data(), "login: ");
  EXPECT_THAT(commands_->get(asked), FailsWith(ErrorCode::not_found));
}

TEST_F(ACustomersRequest, ForAConsoleIsAnotherReplicasWhereTheHostIsNotConnected) {
  add_host("alpha");
  auto request = watch(running("alpha"));
  request.set_only_direct(true);
  EXPECT_THAT(customers_.console(request, {}), FailsAt(ErrorCode::unavailable, "host"));
  EXPECT_THAT(commands("alpha"), IsEmpty());
}

TEST_F(ACustomersRequest, ForAConsoleReachesAHostThatIsNotConnectedThroughTheStore) {
  add_host("alpha");
  const auto id = running("alpha");
  std::jthread host{[this] {
    while (commands_->pending("alpha", {}, 1)->empty()) std::this_thread::yield();
    v1::CompleteCommandRequest result;
    result.set_command_id(commands_->pending("alpha", {}, 1)->front().command_id);
    result.mutable_console()->set_data("login: ");
    EXPECT_THAT(reports_.complete("alpha", result), Succeeds());
  }};
  EXPECT_EQ(customers_.console(watch(id), {})->data(), "login: ");
}

TEST_F(ACustomersRequest, ShowsTheTargetsEvidenceAsTheHostGaveIt) {
  const auto id = awaiting();
  const auto target = customers_.target("acme", id).value();
  EXPECT_EQ(target.evidence(), "evidence of alpha");
  EXPECT_EQ(target.attempt(), 1U);
}

TEST_F(ACustomersRequest, RelaysAQuestionAndItsAnswer) {
  const auto id = awaiting();
  std::jthread host{[this] {
    while (commands_->pending("alpha", {}, 1)->empty()) std::this_thread::yield();
    v1::CompleteCommandRequest result;
    result.set_command_id(commands_->pending("alpha", {}, 1)->front().command_id);
    result.mutable_answer()->set_answer("so it is");
    EXPECT_THAT(reports_.complete("alpha", result), Succeeds());
  }};
  v1::ChallengeTargetRequest question;
  question.set_launch_id(id);
  question.set_attempt(1);
  question.set_question("is it?");
  EXPECT_EQ(customers_.challenge("acme", question)->answer(), "so it is");
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_AWAITING_CUSTOMER);
}

TEST_F(ACustomersRequest, RelaysOnlySoManyQuestions) {
  const auto id = awaiting();
  limits_.host_answer = milliseconds{0};
  v1::ChallengeTargetRequest question;
  question.set_launch_id(id);
  question.set_attempt(1);
  question.set_question("?");
  for (int i = 0; i < 8; ++i)
    EXPECT_THAT(customers_.challenge("acme", question), FailsWith(ErrorCode::timeout));
  EXPECT_THAT(customers_.challenge("acme", question), FailsWith(ErrorCode::resource_exhausted));
}

TEST_F(ACustomersRequest, ToAuthorizeLetsTheLaunchGoOn) {
  const auto id = awaiting();
  ASSERT_THAT(customers_.authorize("acme", authorization(id)), Succeeds());
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_DISPATCHED);
  EXPECT_THAT(customers_.authorize("acme", authorization(id)), Succeeds()) << "the same again is fine";
  auto other = authorization(id);
  other.mutable_sealed_data()->set_seed(std::string(130, 'x'));
  EXPECT_THAT(customers_.authorize("acme", other), FailsWith(ErrorCode::failed_precondition));
}

TEST_F(ACustomersRequest, ToAuthorizeAnEarlierTargetIsRefused) {
  const auto id = awaiting();
  EXPECT_THAT(customers_.authorize("acme", authorization(id, 2)),
              FailsAt(ErrorCode::failed_precondition, "attempt"));
}

TEST_F(ACustomersRequest, WithSealedDataThatAreNoneIsRefused) {
  const auto id = awaiting();
  auto bad = authorization(id);
  bad.mutable_sealed_data()->set_policy("short");
  EXPECT_THAT(customers_.authorize("acme", bad), FailsWith(ErrorCode::sealed_data_refused));
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_AWAITING_CUSTOMER);
}

TEST_F(ACustomersRequest, ToRefuseATargetAsksForAnother) {
  add_host("beta", 8192);
  const auto id = awaiting();
  v1::RefuseTargetRequest refusal;
  refusal.set_launch_id(id);
  refusal.set_attempt(1);
  refusal.set_try_another(true);
  refusal.mutable_refusal()->set_code("ek_key_differs");
  ASSERT_THAT(customers_.refuse("acme", refusal), Succeeds());
  work();
  EXPECT_THAT(commands("beta"), SizeIs(1));
}

TEST_F(ACustomersRequest, ToStopEndsTheLaunchInEveryState) {
  add_host("alpha");
  const auto asked = launched(request(v1::KEY_MODEL_BRING, "asked"));
  EXPECT_EQ(customers_.stop("acme", asked)->state(), v1::Launch::STATE_REFUSED);
  EXPECT_EQ(now(asked).refusal().code(), "canceled");
  ASSERT_THAT(commands_->remove_of(asked), Succeeds());

  const auto id = running("alpha", "runs");
  EXPECT_EQ(customers_.stop("acme", id)->state(), v1::Launch::STATE_STOPPING);
  EXPECT_EQ(customers_.stop("acme", id)->state(), v1::Launch::STATE_STOPPING);
  EXPECT_TRUE(command("alpha").has_stop_instance());
  v1::CompleteCommandRequest stopped;
  stopped.mutable_stopped();
  complete("alpha", stopped);
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
  EXPECT_EQ(free_memory("alpha"), 4096);
  EXPECT_EQ(customers_.stop("acme", id)->state(), v1::Launch::STATE_ENDED);
}

TEST_F(ACustomersRequest, ToStopDoesNotWaitForAHostForEver) {
  add_host("alpha");
  const auto id = running("alpha");
  ASSERT_THAT(customers_.stop("acme", id), Succeeds());
  pass(limits_.stop);
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
  EXPECT_EQ(now(id).refusal().code(), "timeout");
}

TEST_F(ACustomersRequest, ShowsWhatWasUsedBySecondsBegun) {
  add_host("alpha");
  const auto id = running("alpha");
  pass(milliseconds{90'000});
  ASSERT_THAT(report("alpha", id, 2, "guest_ended"), Succeeds());
  v1::ListUsageRequest period;
  period.set_from_ms(now(id).started_at_ms() + 30'500);
  period.set_to_ms(now(id).ended_at_ms() + 1'000'000);
  const auto usage = customers_.usage("acme", period).value();
  ASSERT_THAT(usage.usage(), SizeIs(1));
  EXPECT_EQ(usage.usage(0).seconds(), 60U);
  EXPECT_EQ(usage.usage(0).price_micros(), 420U);
  EXPECT_THAT(customers_.usage("umbrella", period)->usage(), IsEmpty());
}

TEST_F(ACustomersRequest, EndsItsEventsWithTheLastOne) {
  const auto id = launched(request(v1::KEY_MODEL_BRING));  // there is no host
  const auto events = customers_.events("acme", id, 0).value();
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence(), i + 1);
    EXPECT_EQ(events[i].last(), i + 1 == events.size());
  }
  EXPECT_THAT(customers_.events("acme", id, 3).value(), SizeIs(events.size() - 3));
}

TEST_F(ACustomersRequest, ThatIsOutOfRangeIsRefusedByName) {
  const auto refused = [&](const char* field, const auto& change) {
    auto bad = request(v1::KEY_MODEL_BRING);
    change(bad);
    EXPECT_THAT(customers_.create(bad), FailsAt(ErrorCode::invalid_argument, field));
  };
  refused("tenant", [](auto& r) { r.set_tenant(""); });
  refused("idempotency_key", [](auto& r) { r.set_idempotency_key("a/b"); });
  refused("key_model", [](auto& r) { r.clear_key_model(); });
  refused("security_module", [](auto& r) { r.clear_security_module(); });
  refused("cpus", [](auto& r) { r.set_cpus(0); });
  refused("memory_mib", [](auto& r) { r.set_memory_mib(0); });
  refused("max_active", [](auto& r) { r.set_max_active(0); });
  refused("kernel", [](auto& r) { r.mutable_image()->mutable_kernel()->set_sha512("short"); });
  refused("root_disk", [](auto& r) { r.mutable_image()->mutable_root_disk()->set_size(0); });
  refused("head", [](auto& r) { r.mutable_image()->mutable_head()->append(512, '\0'); });
  refused("image_id", [](auto& r) { r.mutable_image()->set_image_id(std::string(32, 'a')); });
  auto no_operand = request(v1::KEY_MODEL_BRING);
  no_operand.mutable_image()->set_head("nothing");
  EXPECT_FALSE(customers_.create(no_operand));
}

}  // namespace
}  // namespace sealift::orchestrator
