// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/record.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>

#include "base/matchers.h"
#include "services/agent/domain/agent_for_test.h"

namespace sealift::agent {
namespace {

using state::v1::InstanceDocument;

StartOrder order() {
  FakeWorld world;
  const auto command = start_command(world);
  return check_start(InstanceName::make("launch", 1).value(), command.start_instance()).value();
}

Record handed() {
  auto record = Record::accepted(order());
  record.hand_over(1);
  return record;
}

void tell_all(Record& record) {
  while (const auto* const next = record.untold()) record.told(next->sequence());
}

TEST(RecordTest, IsReadAsItWasWritten) {
  auto record = handed();
  record.hear(0, "components_pinned", 2);
  record.told(1);
  const auto read = Record::parse(record.serialise());
  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(read->serialise(), record.serialise());
  EXPECT_EQ(read->name().text(), "launch.1");
  EXPECT_EQ(read->untold()->event(), "components_pinned");
  EXPECT_EQ(read->objects().size(), 3U);
  EXPECT_EQ(read->memory_mib(), 512U);
}

TEST(RecordTest, CutShortOrAlteredIsRefusedOrAnotherOneThatFits) {
  const google::protobuf::LogSilencer quiet;
  auto record = handed();
  record.end(3, 5);
  const auto whole = record.serialise();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = Record::parse(ByteView{whole}.first(size));
    if (read) {
      EXPECT_TRUE(Record::parse(read->serialise()));
    }
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto altered = whole;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto read = Record::parse(altered);
    if (read) {
      EXPECT_TRUE(Record::parse(read->serialise()));
    }
  }
}

TEST(RecordTest, IsRefusedWhereItIsNoneOfOurs) {
  EXPECT_THAT(Record::parse({}), FailsWith(ErrorCode::malformed));
  InstanceDocument document;
  const auto parsed = [&] { return Record::parse(as_bytes(document.SerializeAsString())); };
  document.set_phase(InstanceDocument::PHASE_HANDED);
  document.set_attempt(1);
  document.set_launch_id("launch");
  EXPECT_THAT(parsed(), FailsWith(ErrorCode::malformed)) << "handed, but never fetched";
  auto& report = *document.add_reports();
  report.set_sequence(1);
  report.set_attempt(1);
  EXPECT_THAT(parsed(), FailsWith(ErrorCode::malformed)) << "of another launch";
  report.set_launch_id("launch");
  EXPECT_THAT(parsed(), Succeeds());
  report.set_launch_id("../launch");
  document.set_launch_id("../launch");
  EXPECT_THAT(parsed(), FailsAt(ErrorCode::invalid_argument, "launch_id"));
  report.set_launch_id("launch");
  document.set_launch_id("launch");
  document.set_told(2);
  EXPECT_THAT(parsed(), FailsWith(ErrorCode::malformed));
  document.set_told(1);
  document.add_reports()->set_sequence(3);
  EXPECT_THAT(parsed(), FailsWith(ErrorCode::malformed));
}

TEST(RecordTest, TellsEachEventOnceInOrder) {
  auto record = handed();
  EXPECT_TRUE(record.hear(0, "components_pinned", 2));
  EXPECT_FALSE(record.hear(0, "components_pinned", 3)) << "heard again after a restart";
  EXPECT_FALSE(record.hear(2, "target_found", 3)) << "the one before it is missing";
  EXPECT_TRUE(record.hear(1, "operand_found", 3));
  std::vector<std::string> told;
  while (const auto* const next = record.untold()) {
    EXPECT_EQ(next->sequence(), told.size() + 1);
    told.push_back(next->event());
    record.told(next->sequence());
  }
  EXPECT_EQ(told, (std::vector<std::string>{"image_fetched", "components_pinned", "operand_found"}));
  record.told(17);
  EXPECT_FALSE(record.is_told()) << "it is not over";
}

TEST(RecordTest, BoundsWhatTheUltravisorSays) {
  auto record = handed();
  EXPECT_TRUE(record.hear(0, "Bad\nName", 1));
  for (std::size_t place = 1; place < 1000; ++place) record.hear(place, "again", 1);
  record.end(0, 1);
  std::size_t events = 0;
  for (; const auto* const next = record.untold(); ++events) {
    EXPECT_NE(next->event(), "Bad\nName");
    record.told(next->sequence());
  }
  EXPECT_LE(events, 64U) << "orchestrators take no more";
}

TEST(RecordTest, HasAResultOnlyOnceTheOrchestratorHasTheEventsThatLedThere) {
  auto record = handed();
  record.hear(0, "guest_started", 1);
  EXPECT_TRUE(record.has_started());
  EXPECT_FALSE(record.start_result());
  tell_all(record);
  EXPECT_TRUE(record.start_result()->has_started());
  record.end(Error{ErrorCode::guest_failed, "", "", ""}, 2);
  EXPECT_TRUE(record.start_result()->has_started()) << "it did, whatever came after";

  auto refused = Record::accepted(order());
  refused.end(Error{ErrorCode::no_space, "full", "size", "for the log"}, 2);
  EXPECT_FALSE(refused.start_result());
  tell_all(refused);
  EXPECT_EQ(refused.start_result()->refusal().code(), "no_space");
  EXPECT_EQ(refused.start_result()->refusal().remedy(), remedy(ErrorCode::no_space));
  EXPECT_TRUE(refused.is_told());
}

TEST(RecordTest, TellsARefusalAsTheStepThatDidNotComeAbout) {
  const Error why{ErrorCode::guest_failed, "it ended", "guest", {}};
  const auto refused_at = [&](const std::vector<std::string>& heard, Verified verified) {
    auto record = handed();
    for (std::size_t place = 0; place < heard.size(); ++place) record.hear(place, heard[place], 2);
    record.end(why, 3, verified);
    std::string last;
    for (; const auto* const next = record.untold(); record.told(next->sequence())) last = next->event();
    return last;
  };
  EXPECT_EQ(refused_at({}, Verified::when_it_asks), "components_pinned");
  EXPECT_EQ(refused_at({"components_pinned"}, Verified::when_it_asks), "secure_mode_requested");
  EXPECT_EQ(refused_at({"components_pinned", "secure_mode_requested"}, Verified::when_it_asks),
            "operand_found");
  EXPECT_EQ(refused_at({"components_pinned"}, Verified::before_it_runs), "operand_found");
}

TEST(RecordTest, MakesARefusalPlain) {
  auto record = handed();
  record.end(Error{ErrorCode::guest_failed, std::string(5000, '\xc3'), "a\nb", "secret detail", "a\rb",
                   std::string(5000, 'b')},
             2);
  record.told(1);
  const auto& refusal = record.untold()->refusal();
  EXPECT_EQ(refusal.message(), std::string(kMaxText, '?'));
  EXPECT_EQ(refusal.field(), "a?b");
  EXPECT_EQ(refusal.expected(), "a?b");
  EXPECT_EQ(refusal.found(), std::string(kMaxText, 'b'));
  EXPECT_EQ(record.untold()->SerializeAsString().find("secret"), std::string::npos);
}

TEST(InstanceNameTest, IsSafeAsTheNameOfAFile) {
  for (const auto* text : {"a.1", "0-9.4294967295", "01890a5d-ac96-774b-bcce-b302099a8057.2"}) {
    const auto name = InstanceName::parse(text);
    ASSERT_THAT(name, Succeeds()) << text;
    EXPECT_EQ(name->text(), text);
  }
  for (const auto* text : {"", ".", "..", "a", "a.", "a.0", "a.01", "a.1 ", "a.-1", "a.4294967296", ".1",
                           "-a.1", "A.1", "a/b.1", "a.b.1", "run-0123456789abcdef"}) {
    EXPECT_THAT(InstanceName::parse(text), FailsWith(ErrorCode::invalid_argument)) << text;
  }
  EXPECT_THAT(InstanceName::make(std::string(48, 'a'), 1), Succeeds());
  EXPECT_THAT(InstanceName::make(std::string(49, 'a'), 1), FailsAt(ErrorCode::invalid_argument, "launch_id"));
  EXPECT_THAT(InstanceName::make("a", 0), FailsAt(ErrorCode::invalid_argument, "attempt"));
}

}  // namespace
}  // namespace sealift::agent
