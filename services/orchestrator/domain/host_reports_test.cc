// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/domain/host_reports.h"

#include "services/orchestrator/domain/zone_for_test.h"

namespace sealift::orchestrator {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class AHostsReport : public ZoneForTest {};

TEST_F(AHostsReport, OfALaunchThatIsNotItsOwnIsRefused) {
  add_host("alpha", 1024);
  add_host("beta", 2048);
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  const auto refused = report("beta", id, 1, "guest_started");
  v1::ReportInstanceRequest never;
  never.set_launch_id("no-such-launch");
  never.set_sequence(1);
  never.set_event("guest_started");
  const auto unknown = reports_.report("beta", never);
  EXPECT_THAT(refused, FailsWith(ErrorCode::not_found));
  EXPECT_EQ(refused.error().message, unknown.error().message);
  EXPECT_EQ(refused.error().field, unknown.error().field);
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_DISPATCHED);
}

// Neither is a defect of ours.
TEST_F(AHostsReport, OfARefusalWithoutAReasonIsMalformed) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  v1::CompleteCommandRequest wordless;
  wordless.mutable_refusal();
  complete("alpha", wordless);
  EXPECT_EQ(now(id).refusal().code(), "malformed");
  EXPECT_NE(now(id).refusal().message(), "");
}

TEST_F(AHostsReport, OfSomethingElseThanItWasAskedIsMalformed) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  v1::CompleteCommandRequest other;
  other.mutable_stopped();
  complete("alpha", other);
  EXPECT_EQ(now(id).refusal().code(), "malformed");
  EXPECT_EQ(now(id).refusal().field(), "result");
}

TEST_F(AHostsReport, OfAnEarlierAttemptIsRefused) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  v1::ReportInstanceRequest request;
  request.set_launch_id(id);
  request.set_attempt(7);
  request.set_sequence(1);
  request.set_event("guest_started");
  EXPECT_THAT(reports_.report("alpha", request), FailsWith(ErrorCode::failed_precondition));
}

TEST_F(AHostsReport, BeforeTheDispatchIsRefused) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  EXPECT_THAT(report("alpha", id, 1, "guest_started"), FailsWith(ErrorCode::failed_precondition));
}

TEST_F(AHostsReport, ThatComesTwiceCountsOnce) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  show_evidence("alpha");
  EXPECT_THAT(report("alpha", id, 1, "image_fetched"), Succeeds());
  const auto before = happened(id);
  EXPECT_THAT(report("alpha", id, 1, "image_fetched"), Succeeds());
  EXPECT_EQ(happened(id), before);
}

TEST_F(AHostsReport, AfterTheEndChangesNothing) {
  add_host("alpha");
  const auto id = running("alpha");
  EXPECT_THAT(report("alpha", id, 2, "guest_ended"), Succeeds());
  EXPECT_THAT(report("alpha", id, 3, "guest_started"), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
}

TEST_F(AHostsReport, WithWordsThatAreNoneIsRefused) {
  add_host("alpha");
  const auto id = running("alpha");
  for (const auto* event : {"", "\x1b[2J", "guest started", "GUEST"}) {
    EXPECT_THAT(report("alpha", id, 2, event), FailsAt(ErrorCode::invalid_argument, "event")) << event;
  }
  EXPECT_THAT(report("alpha", id, 0, "x"), FailsAt(ErrorCode::invalid_argument, "sequence"));
  EXPECT_THAT(report("alpha", id, 65, "x"), FailsAt(ErrorCode::invalid_argument, "sequence"));
  EXPECT_THAT(report("alpha", id, 64, std::string(65, 'x')), FailsAt(ErrorCode::invalid_argument, "event"));
}

TEST_F(AHostsReport, OfARefusalWhileItRunsEndsTheGuest) {
  add_host("alpha");
  const auto id = running("alpha");
  const Error why{ErrorCode::guest_failed, "crashed", {}, {}};
  EXPECT_THAT(report("alpha", id, 2, "guest_ended", &why), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
  EXPECT_EQ(now(id).refusal().code(), "guest_failed");
}

class AHostsResult : public ZoneForTest {};

TEST_F(AHostsResult, ForAnotherHostsCommandIsRefused) {
  add_host("alpha", 1024);
  add_host("beta", 2048);
  (void)launched(request(v1::KEY_MODEL_BRING));
  v1::CompleteCommandRequest result;
  result.set_command_id(command("alpha").command_id());
  result.mutable_evidence()->set_evidence("forged");
  EXPECT_THAT(reports_.complete("beta", result), FailsWith(ErrorCode::not_found));
}

TEST_F(AHostsResult, CountsTheFirstTimeOnly) {
  add_host("alpha");
  const auto id = launched(request(v1::KEY_MODEL_BRING));
  v1::CompleteCommandRequest result;
  result.set_command_id(command("alpha").command_id());
  result.mutable_evidence()->set_evidence("first");
  ASSERT_THAT(reports_.complete("alpha", result), Succeeds());
  result.mutable_evidence()->set_evidence("second");
  ASSERT_THAT(reports_.complete("alpha", result), Succeeds());
  work();
  EXPECT_EQ(security_module_.requests.at(0).evidence(), "first");
}

TEST_F(AHostsResult, ThatIsNoneIsRefused) {
  add_host("alpha");
  (void)launched(request(v1::KEY_MODEL_BRING));
  v1::CompleteCommandRequest result;
  result.set_command_id(command("alpha").command_id());
  EXPECT_THAT(reports_.complete("alpha", result), FailsAt(ErrorCode::invalid_argument, "result"));
}

class AHeartbeat : public ZoneForTest {};

TEST_F(AHeartbeat, OfAnUnknownHostIsRefused) {
  EXPECT_THAT(reports_.heartbeat("nobody", {}), FailsWith(ErrorCode::not_found));
}

TEST_F(AHeartbeat, IsToldWhatMustNotRun) {
  add_host("alpha");
  const auto mine = running("alpha");
  const auto stop = reports_.heartbeat("alpha", {mine, "0192f3c1-0000-7000-8000-000000000000"}).value();
  EXPECT_THAT(stop, ElementsAre("0192f3c1-0000-7000-8000-000000000000"));
}

TEST_F(AHeartbeat, WithoutAGuestThatRanEndsItsLaunch) {
  add_host("alpha");
  const auto id = running("alpha");
  ASSERT_THAT(reports_.heartbeat("alpha", {}), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_RUNNING) << "it has only just started";
  pass(limits_.host_silence + milliseconds{1000});
  ASSERT_THAT(reports_.heartbeat("alpha", {}), Succeeds());
  EXPECT_EQ(now(id).state(), v1::Launch::STATE_ENDED);
  EXPECT_EQ(now(id).refusal().code(), "guest_failed");
}

TEST_F(AHeartbeat, OfAHostThatWasGivenUpIsToldToStop) {
  add_host("alpha");
  const auto id = running("alpha");
  pass(limits_.host_lost + milliseconds{1000});
  work();
  pass(limits_.host_silence + milliseconds{1000});
  work();
  EXPECT_THAT(reports_.heartbeat("alpha", {id}).value(), ElementsAre(id));
}

class Registering : public ZoneForTest {};

TEST_F(Registering, AgainKeepsWhatIsReserved) {
  add_host("alpha");
  (void)running("alpha");
  add_host("alpha");
  EXPECT_EQ(free_memory("alpha"), 4096 - 512);
}

TEST_F(Registering, RefusesAttributesOutOfRange) {
  v1::HostAttributes good;
  good.set_tee("measured");
  good.set_arch("x86_64");
  good.set_zone("north");
  good.set_cpus(1);
  good.set_memory_mib(1);
  ASSERT_THAT(reports_.register_host("alpha", good), Succeeds());
  const auto refused = [&](const char* field, const auto& change) {
    auto bad = good;
    change(bad);
    EXPECT_THAT(reports_.register_host("alpha", bad), FailsAt(ErrorCode::invalid_argument, field));
  };
  refused("tee", [](auto& host) { host.set_tee(""); });
  refused("arch", [](auto& host) { host.set_arch("a b"); });
  refused("zone", [](auto& host) { host.set_zone("../x"); });
  refused("cpus", [](auto& host) { host.set_cpus(0); });
  refused("memory_mib", [](auto& host) { host.set_memory_mib(0xffffffff); });
  refused("firmware", [](auto& host) { host.set_firmware(std::string(256, 'x')); });
  refused("labels", [](auto& host) { (*host.mutable_labels())[""] = "x"; });
}

}  // namespace
}  // namespace sealift::orchestrator
