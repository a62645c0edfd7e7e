// SPDX-License-Identifier: Apache-2.0
/// Launches on hosts that measure what they load: the image is there before anybody agreed to run it.
#include "services/orchestrator/domain/host_kind.h"

#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class AnSevLaunch : public ZoneForTest {
 protected:
  AnSevLaunch() {
    security_module_.next.Clear();
    security_module_.next.mutable_question()->set_question_id("q1");
    security_module_.next.mutable_question()->set_question("a session");
    security_module_.launch_secret = packet();
  }
  static v1::LaunchSecret packet() {
    v1::LaunchSecret secret;
    secret.set_header(std::string(52, 'h'));
    secret.set_payload(std::string(64, 'p'));
    return secret;
  }
  static v1::ZoneCreateLaunchRequest sev(v1::KeyModel model) {
    auto asked = request(model);
    asked.mutable_image()->set_tee("sev");
    asked.mutable_image()->clear_head();
    return asked;
  }
  void measured(const std::string& host) {
    v1::CompleteCommandRequest result;
    result.mutable_answer()->set_answer("measured");
    complete(host, result);
  }
  /// A launch whose image waits on `host`.
  std::string loaded(const std::string& host, v1::KeyModel model = v1::KEY_MODEL_BRING) {
    auto id = launched(sev(model));
    show_evidence(host);
    return id;
  }
  Result<v1::ChallengeTargetResponse> ask(const std::string& id, const std::string& question) {
    v1::ChallengeTargetRequest request;
    request.set_launch_id(id);
    request.set_attempt(now(id).attempt());
    request.set_question(question);
    return customers_.challenge("acme", request);
  }
};

TEST_F(AnSevLaunch, GoesToTheHostBeforeTheSecurityModuleAgrees) {
  add_host("alpha", 4096, "north", "sev");
  const auto id = loaded("alpha");
  const auto load = command("alpha");
  EXPECT_EQ(load.start_instance().question(), "a session");
  EXPECT_FALSE(load.start_instance().has_head());
  EXPECT_THAT(report("alpha", id, 1, "image_fetched"), Succeeds());
  EXPECT_THAT(report("alpha", id, 2, "guest_loaded"), Succeeds());
  EXPECT_THAT(reports_.heartbeat("alpha", {id}).value(), IsEmpty());
  measured("alpha");
  EXPECT_EQ(security_module_.answers.at(0).answer(), "measured");
  EXPECT_EQ(command("alpha").release_instance().secret().payload(), packet().payload());
  EXPECT_THAT(report("alpha", id, 3, "guest_started"), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING);
  EXPECT_THAT(happened(id),
              ElementsAre("318 provisioning_requested", "322 service_confirmed", "324 instance_requested",
                          "325 target_selected", "326 evidence_asked", "328 evidence_received",
                          "330 enrolment_asked", "1029 session_relayed", "340 image_fetched",
                          "1051 guest_loaded", "1057 measurement_relayed", "1059 launch_secret_received",
                          "1091 dispatched", "1093 guest_started"));
}

TEST_F(AnSevLaunch, GoesOnWhereTheAnswerComesBeforeTheReports) {
  add_host("alpha", 4096, "north", "sev");
  const auto id = loaded("alpha");
  v1::CompleteCommandRequest result;
  result.mutable_answer()->set_answer("measured");
  result.set_command_id(command("alpha").command_id());
  EXPECT_THAT(reports_.complete("alpha", result), Succeeds());
  EXPECT_THAT(report("alpha", id, 1, "guest_loaded"), Succeeds());
  EXPECT_TRUE(command("alpha").has_release_instance());
}

TEST_F(AnSevLaunch, EndsWhereTheMeasurementDiffersAndItsHostIsToldToStop) {
  add_host("alpha", 4096, "north", "sev");
  add_host("beta", 8192, "north", "sev");
  const auto id = loaded("alpha");
  security_module_.answer_failure =
      Error{ErrorCode::launch_measurement_differs, "another kernel", "kernel", {}};
  measured("alpha");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_REFUSED);
  EXPECT_EQ(now(id).refusal().field(), "kernel");
  EXPECT_THAT(commands("beta"), IsEmpty());
  EXPECT_THAT(reports_.heartbeat("alpha", {id}).value(), ElementsAre(id));
}

TEST_F(AnSevLaunch, AsksAgainWithTheSameAnswerWhereTheSecurityModuleIsAway) {
  add_host("alpha", 4096, "north", "sev");
  const auto id = loaded("alpha");
  pass(limits_.start / 2);
  security_module_.answer_failure = Error{ErrorCode::unavailable, "away", {}, {}};
  measured("alpha");
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_CHALLENGING_HOST);
  security_module_.answer_failure.reset();
  pass(limits_.retry + milliseconds{1000});
  work();
  ASSERT_THAT(security_module_.answers, SizeIs(2));
  EXPECT_EQ(security_module_.answers.at(1).question_id(), "q1");
  EXPECT_TRUE(command("alpha").has_release_instance());
}

TEST_F(AnSevLaunch, TriesAnotherHostWhereTheAnswerWasUsedUp) {
  add_host("alpha", 4096, "north", "sev");
  add_host("beta", 8192, "north", "sev");
  const auto id = loaded("alpha");
  security_module_.answer_failure = Error{ErrorCode::challenge_used, "used", "question_id", {}};
  measured("alpha");
  EXPECT_EQ(now(id).attempt(), 2U);
  show_evidence("beta");
  EXPECT_TRUE(command("beta").has_start_instance());
}

TEST_F(AnSevLaunch, TriesAnotherHostWhereItsGuestEndsBeforeItMay) {
  add_host("alpha", 4096, "north", "sev");
  add_host("beta", 8192, "north", "sev");
  const auto id = loaded("alpha");
  EXPECT_THAT(report("alpha", id, 1, "guest_ended"), Succeeds());
  EXPECT_EQ(now(id).attempt(), 2U);
  EXPECT_THAT(happened(id), Contains("325 target_given_up"));
}

TEST_F(AnSevLaunch, TakesNoWordOfAStartBeforeItWasReleased) {
  add_host("alpha", 4096, "north", "sev");
  const auto id = loaded("alpha");
  EXPECT_THAT(report("alpha", id, 1, "guest_started"), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_CHALLENGING_HOST);
}

TEST_F(AnSevLaunch, GivesWhatIsNoPacketToNoHost) {
  add_host("alpha", 4096, "north", "sev");
  const auto id = loaded("alpha");
  security_module_.launch_secret.set_header("short");
  measured("alpha");
  EXPECT_THAT(commands("alpha"), IsEmpty());
  EXPECT_EQ(now(id).refusal().code(), "sealed_data_refused");
}

TEST_F(AnSevLaunch, OfAKeptKeyIsLoadedUnderOneQuestionAlone) {
  add_host("alpha", 4096, "north", "sev");
  const auto id = loaded("alpha", v1::KEY_MODEL_KEEP);
  connected_.hosts.clear();
  v1::AuthorizeTargetRequest early;
  early.set_launch_id(id);
  early.set_attempt(1);
  *early.mutable_launch_secret() = packet();
  EXPECT_THAT(customers_.authorize("acme", early), FailsAt(ErrorCode::failed_precondition, "launch_secret"));
  std::thread host{[&] {
    while (commands("alpha").empty()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
    EXPECT_EQ(command("alpha").start_instance().question(), "mine");
    measured("alpha");
  }};
  EXPECT_EQ(ask(id, "mine").value().answer(), "measured");
  host.join();
  EXPECT_EQ(ask(id, "mine").value().answer(), "measured");
  EXPECT_THAT(ask(id, "another"), FailsAt(ErrorCode::failed_precondition, "question"));
  EXPECT_THAT(customers_.authorize("acme", early), Succeeds());
  EXPECT_THAT(customers_.authorize("acme", early), Succeeds());  // the first answer was lost
  work();
  EXPECT_TRUE(command("alpha").has_release_instance());
}

TEST_F(AnSevLaunch, HasNoHead) {
  auto asked = sev(v1::KEY_MODEL_BRING);
  asked.mutable_image()->set_head(image().head());
  EXPECT_THAT(customers_.create(asked), FailsAt(ErrorCode::invalid_argument, "head"));
}

}  // namespace
}  // namespace sealift::orchestrator
