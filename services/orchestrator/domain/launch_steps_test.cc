// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/launch_steps.h"

#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;

class TakingALaunchsSteps : public ZoneForTest {};

TEST_F(TakingALaunchsSteps, ByokGoesThroughTheStepsOfTheDesign) {
  add_host("alpha");
  security_module_.next.mutable_question()->set_question_id("q1");
  security_module_.next.mutable_question()->set_question("only the TPM knows");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  EXPECT_EQ(security_module_.requests.at(0).evidence(), "evidence of alpha");
  EXPECT_EQ(command("alpha").answer_question().question(), "only the TPM knows");
  v1::CompleteCommandRequest answered;
  answered.mutable_answer()->set_answer("so does it");
  complete("alpha", answered);
  EXPECT_EQ(security_module_.answers.at(0).answer(), "so does it");
  EXPECT_TRUE(command("alpha").has_start_instance());
  EXPECT_THAT(report("alpha", id, 1, "image_fetched"), Succeeds());
  EXPECT_THAT(report("alpha", id, 2, "guest_started"), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
  EXPECT_THAT(report("alpha", id, 3, "guest_ended", nullptr, 5), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
  EXPECT_EQ(now(id).exit_status(), 5);
  EXPECT_THAT(happened(id),
              ElementsAre("318 provisioning_requested", "322 service_confirmed", "324 instance_requested",
                          "325 target_selected", "326 evidence_asked", "328 evidence_received",
                          "330 enrolment_asked", "933 question_relayed", "933 answer_relayed",
                          "336 sealed_data_received", "342 sealed_data_inserted", "344 dispatched",
                          "340 image_fetched", "7B guest_started", " guest_ended"));
}

TEST_F(TakingALaunchsSteps, InsertsTheSealedDataIntoItsOwnCopyOfTheHead) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  const auto& head = objects_.heads.at(id);
  EXPECT_EQ(head.size(), image().head().size());
  EXPECT_NE(as_text(head), image().head());
  const auto place = cpio::find_operand(head).value();
  const auto operand = esm::Operand::parse(ByteView{head}.subspan(place.offset, place.size)).value();
  EXPECT_THAT(operand.targets(), SizeIs(1));
}

TEST_F(TakingALaunchsSteps, TakesTheHostThatFitsBest) {
  add_host("large", 8192);
  add_host("small", 1024);
  add_host("tiny", 256);
  (void)launched(request(v1::KEY_MODEL_BRING));
  EXPECT_THAT(commands("small"), SizeIs(1));
}

TEST_F(TakingALaunchsSteps, AsksForZoneAndLabels) {
  add_host("alpha", 4096, "north");
  add_host("beta", 4096, "south");
  add_host("gamma", 4096, "south");
  auto wanted = request(v1::KEY_MODEL_BRING);
  wanted.set_zone("south");
  (*wanted.mutable_labels())["rack"] = "gamma";
  (void)launched(wanted);
  EXPECT_THAT(commands("gamma"), SizeIs(1));
}

TEST_F(TakingALaunchsSteps, RefusesQuicklyWhereNoHostHasRoom) {
  add_host("alpha", 1024);
  const auto first = running("alpha");
  const auto second = launched(request(v1::KEY_MODEL_BRING, "second"));
  show_evidence("alpha");
  const auto third = launched(request(v1::KEY_MODEL_BRING, "third"));
  EXPECT_EQ(now(third).state(), v1::Launch::STATE_REFUSED);
  EXPECT_EQ(now(third).refusal().code(), "resource_exhausted");
}

TEST_F(TakingALaunchsSteps, GivesTheRoomBackWhenTheGuestEnds) {
  add_host("alpha");
  const auto id = running("alpha");
  EXPECT_EQ(free_memory("alpha"), 4096 - 512);
  EXPECT_THAT(report("alpha", id, 2, "guest_ended"), Succeeds());
  EXPECT_EQ(free_memory("alpha"), 4096);
}

TEST_F(TakingALaunchsSteps, PassesOverSilentAndDrainingHosts) {
  add_host("silent");
  pass(limits_.host_silence + milliseconds{1000});
  add_host("draining");
  ASSERT_THAT(hosts_->set_draining("draining", true), Succeeds());
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  EXPECT_EQ(now(id).refusal().code(), "resource_exhausted");
}

TEST_F(TakingALaunchsSteps, TriesAnotherHostWhereOneDoesNotAnswer) {
  add_host("alpha", 1024);
  add_host("beta", 2048);
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  ASSERT_THAT(commands("alpha"), SizeIs(1));
  pass(limits_.host_answer);
  ASSERT_THAT(reports_.heartbeat("beta", {}), Succeeds());
  work();
  EXPECT_THAT(commands("beta"), SizeIs(1));
  EXPECT_EQ(now(id).attempt(), 2U);
  EXPECT_EQ(free_memory("alpha"), 1024);
  EXPECT_THAT(happened(id), Contains("325 target_given_up"));
}

TEST_F(TakingALaunchsSteps, TriesAnotherHostWhereTheSecurityModuleRefusesOne) {
  add_host("alpha", 1024);
  add_host("beta", 2048);
  security_module_.failures.push_back(Error{ErrorCode::ek_template_differs, "no TPM", "ek", {}});
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  show_evidence("beta");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_DISPATCHED);
}

TEST_F(TakingALaunchsSteps, SaysWhyTheLastHostWasGivenUp) {
  add_host("alpha");
  security_module_.failures.push_back(Error{ErrorCode::ek_template_differs, "no TPM", "ek", {}});
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_REFUSED);
  EXPECT_EQ(now(id).refusal().code(), "ek_template_differs");
  EXPECT_EQ(now(id).refusal().field(), "ek");
}

TEST_F(TakingALaunchsSteps, DoesNotTryAnotherHostWhereTheImageIsAtFault) {
  add_host("alpha", 1024);
  add_host("beta", 2048);
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  const Error why{ErrorCode::kernel_differs, "another kernel", "kernel", {}};
  EXPECT_THAT(report("alpha", id, 1, "refused", &why), Succeeds());
  EXPECT_EQ(now(id).refusal().code(), "kernel_differs");
  EXPECT_THAT(commands("beta"), SizeIs(0));
}

TEST_F(TakingALaunchsSteps, AsksASecurityModuleThatIsDownAgainForAWhile) {
  add_host("alpha");
  for (int i = 0; i < 3; ++i)
    security_module_.failures.push_back(Error{ErrorCode::unavailable, "down", {}, {}});
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ASKING_SM);
  for (int i = 0; i < 3; ++i) {
    pass(limits_.retry);
    work();
  }
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_DISPATCHED);
}

TEST_F(TakingALaunchsSteps, RefusesWhereTheSecurityModuleStaysDown) {
  add_host("alpha");
  for (int i = 0; i < 3; ++i)
    security_module_.failures.push_back(Error{ErrorCode::unavailable, "down", {}, {}});
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  pass(limits_.patience);
  work();
  EXPECT_EQ(now(id).refusal().code(), "unavailable");
}

TEST_F(TakingALaunchsSteps, AsksAnewWhereTheAnswerToAQuestionWasUsedUp) {
  add_host("alpha");
  security_module_.next.mutable_question()->set_question_id("q1");
  security_module_.answer_failure = Error{ErrorCode::challenge_used, "used", {}, {}};
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  security_module_.next.mutable_question()->set_question_id("q2");
  v1::CompleteCommandRequest answered;
  answered.mutable_answer()->set_answer("yes");
  complete("alpha", answered);
  pass(limits_.retry);
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_CHALLENGING_HOST);
  EXPECT_TRUE(command("alpha").has_answer_question());
}

TEST_F(TakingALaunchsSteps, EndsALaunchWhoseCustomerDoesNotCome) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_KEEP));
  show_evidence("alpha");
  pass(limits_.customer_answer);
  work();
  EXPECT_EQ(now(id).refusal().code(), "timeout");
  EXPECT_EQ(free_memory("alpha"), 4096);
}

TEST_F(TakingALaunchsSteps, NeverStartsElsewhereWhatMayRunAlready) {
  add_host("alpha", 1024);
  add_host("beta", 2048);
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  pass(limits_.start);
  add_host("beta", 2048);
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_REFUSED);
  EXPECT_THAT(commands("beta"), SizeIs(0));
  EXPECT_THAT(commands("alpha"), SizeIs(2));  // start, and stop
}

TEST_F(TakingALaunchsSteps, OnlyLooksAgainWhereItIsWokenForNothing) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  for (int i = 0; i < 5; ++i) {
    auto launch = launches_->get_any(id).value();
    store::LaunchChange change{
        .record = launch, .expected_version = launch.version, .events = {}, .commands = {}};
    change.record.due_at_ms = now_ms(clock_);
    ASSERT_THAT(launches_->commit(change), Succeeds());
    work();
    EXPECT_EQ(now(id).state(), v1::Launch::STATE_DISPATCHED);
  }
}

TEST_F(TakingALaunchsSteps, TakesTheHostsWordThatItStartedWhereTheReportGotLost) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  v1::CompleteCommandRequest started;
  started.mutable_started();
  complete("alpha", started);
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
}

TEST_F(TakingALaunchsSteps, GivesUpAGuestWhoseHostIsLost) {
  add_host("alpha");
  const auto id = running("alpha");
  pass(limits_.host_lost + milliseconds{1000});
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING) << "looked at twice";
  pass(limits_.host_silence + milliseconds{1000});
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
  EXPECT_EQ(now(id).refusal().code(), "unavailable");
}

TEST_F(TakingALaunchsSteps, KeepsAGuestWhenTheClockJumpsForward) {
  add_host("alpha");
  const auto id = running("alpha");
  for (int i = 0; i < 2; ++i) {
    pass(std::chrono::hours{24});
    work();
    EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
    ASSERT_THAT(reports_.heartbeat("alpha", {id}), Succeeds());
    pass(limits_.host_silence + milliseconds{1000});
    work();
    EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
  }
}

TEST_F(TakingALaunchsSteps, GoesOnWhenTheClockJumpsForward) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  pass(std::chrono::hours{24});
  work();
  // Nobody can say any more how long the host was silent: this launch is refused, and the next one goes on.
  EXPECT_TRUE(is_final(now(id).state()));
  ASSERT_THAT(reports_.heartbeat("alpha", {}), Succeeds());
  const auto next = launched(request(v1::KEY_MODEL_BRING, "second"));
  EXPECT_EQ(now(next).state(), v1::Launch::STATE_ASKING_HOST);
}

TEST_F(TakingALaunchsSteps, KeepsAGuestWhoseHostIsHeardOf) {
  add_host("alpha");
  const auto id = running("alpha");
  for (int i = 0; i < 4; ++i) {
    pass(limits_.host_lost - milliseconds{1000});
    ASSERT_THAT(reports_.heartbeat("alpha", {id}), Succeeds());
    work();
  }
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
}

TEST_F(TakingALaunchsSteps, CleansUpBehindALaunchThatIsOver) {
  add_host("alpha");
  const auto id = running("alpha");
  EXPECT_THAT(report("alpha", id, 2, "guest_ended"), Succeeds());
  EXPECT_TRUE(objects_.heads.contains(id));
  pass(limits_.keep);
  work();
  EXPECT_FALSE(objects_.heads.contains(id));
  EXPECT_EQ(launches_->get_any(id)->due_at_ms, store::kNeverDue);
}

TEST_F(TakingALaunchsSteps, GoesOnElsewhereWhereAReplicaDiedInTheMiddle) {
  add_host("alpha");
  const auto launch = customers_.create(request(v1::KEY_MODEL_BRING)).value();
  ASSERT_THAT(launches_->claim("dead", now_ms(clock_), limits_.lease.count(), 1), Succeeds());
  work();
  EXPECT_EQ(now(launch.launch_id()).state(), v1::Launch::STATE_REQUESTED);
  pass(limits_.lease);
  add_host("alpha");
  work();
  EXPECT_EQ(now(launch.launch_id()).state(), v1::Launch::STATE_ASKING_HOST);
}

TEST_F(TakingALaunchsSteps, WaitsForAStoreThatIsSlowAndRefusesWhereItIsFull) {
  add_host("alpha");
  objects_.failure = Error{ErrorCode::unavailable, "slow", {}, {}};
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_STAGING);
  objects_.failure.reset();
  pass(limits_.retry);
  work();
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_DISPATCHED);
}

}  // namespace
}  // namespace sealift::orchestrator
