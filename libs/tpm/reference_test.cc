// SPDX-License-Identifier: Apache-2.0
#include "tpm/reference.h"

#include "base/matchers.h"

namespace sealift::tpm {
namespace {

constexpr std::array kBanks{HashAlgorithm::sha1, HashAlgorithm::sha256};

FirmwareInputs inputs() {
  return {.hardware_key_hash = Digest{Bytes(64, 1)},
          .secure_boot_jumper = true,
          .verification_code_hash = Digest{Bytes(32, 2)},
          .pef_enabled = true};
}

std::optional<EventDifference> difference(const EventLog& log, const FirmwareInputs& reference) {
  return first_difference(log, firmware_events(reference), HashAlgorithm::sha256).value();
}

TEST(FirmwareEvents, ComeInTheDesignsOrder) {
  std::vector<std::string> names;
  for (const auto& event : firmware_events(inputs())) names.push_back(event.name);
  EXPECT_EQ(names, (std::vector<std::string>{"hardware-key-hash", "secure-boot-jumper",
                                             "verification-code-hash", "separator", "pef-enable"}));
}

TEST(FirmwareEvents, ChangePcr6WithEachInput) {
  const auto value = [](const FirmwareInputs& of) {
    return *expected_pcrs(firmware_events(of), kBanks).find(HashAlgorithm::sha256, kFirmwarePcr);
  };
  auto other_key = inputs();
  other_key.hardware_key_hash = Digest{Bytes(64, 9)};
  auto other_jumper = inputs();
  other_jumper.secure_boot_jumper = false;
  auto other_code = inputs();
  other_code.verification_code_hash = Digest{Bytes(32, 9)};
  auto other_pef = inputs();
  other_pef.pef_enabled = false;
  for (const auto& other : {other_key, other_jumper, other_code, other_pef})
    EXPECT_NE(value(other), value(inputs()));
}

// The value that independent code (Python's hashlib) computes from the definition in reference.h.
TEST(FirmwareEvents, GiveThePcrValueOfTheirDefinition) {
  EXPECT_EQ(expected_pcrs(firmware_events(inputs()), std::array{HashAlgorithm::sha256}).text(),
            "sha256:6=1413eb4c7f537c4a6e6a9da131fde6fac70cc9323009bdae265c78f8cc1073ce");
}

TEST(EnablesPef, IsForTheLogOfFirmwareThatDid) {
  EXPECT_TRUE(enables_pef(expected_log(firmware_events(inputs()), kBanks)));
  auto off = inputs();
  off.pef_enabled = false;
  EXPECT_FALSE(enables_pef(expected_log(firmware_events(off), kBanks)));
  EXPECT_FALSE(enables_pef(EventLog::create(kBanks)));
  EXPECT_FALSE(enables_pef(expected_log(firmware_events(inputs()), std::array{HashAlgorithm::sha1})));
}

TEST(EnablesPef, IsForNoLogThatSaysMoreOrMeasuredSomethingElse) {
  auto off = inputs();
  off.pef_enabled = false;
  const auto on = firmware_events(inputs()).back();
  auto both = expected_log(firmware_events(off), kBanks);
  both.append(on.pcr, on.type, on.data, on.data);
  EXPECT_FALSE(enables_pef(both));
  auto more = expected_log(firmware_events(inputs()), kBanks);
  more.append(kFirmwarePcr, event_type::kSeparator, Bytes(4), Bytes(4));
  EXPECT_FALSE(enables_pef(more));
  auto events = firmware_events(inputs());
  events.pop_back();
  auto pretends = expected_log(events, kBanks);
  pretends.append(on.pcr, on.type, on.data, firmware_events(off).back().data);
  EXPECT_FALSE(enables_pef(pretends));
}

TEST(FirstDifference, IsNoneForTheExpectedLog) {
  EXPECT_EQ(difference(expected_log(firmware_events(inputs()), kBanks), inputs()), std::nullopt);
}

TEST(FirstDifference, OverlooksOtherPcrsAndEventsThatExtendNothing) {
  auto log = EventLog::create(kBanks);
  log.append(0, event_type::kNoAction, as_bytes("x"), {});
  log.append(7, event_type::kSeparator, Bytes(4), Bytes(4));
  for (const auto& event : firmware_events(inputs()))
    log.append(event.pcr, event.type, event.data, event.data);
  EXPECT_EQ(difference(log, inputs()), std::nullopt);
}

TEST(FirstDifference, NamesTheEventAndBothValues) {
  auto other = inputs();
  other.secure_boot_jumper = false;
  const auto found = difference(expected_log(firmware_events(other), kBanks), inputs());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->index, 1U);
  EXPECT_EQ(found->pcr, kFirmwarePcr);
  EXPECT_EQ(found->name, "secure-boot-jumper");
  EXPECT_EQ(found->expected, "secure-boot-jumper = 01");
  EXPECT_EQ(found->found, "secure-boot-jumper = 00");
}

TEST(FirstDifference, DoesNotBelieveDataThatTheDigestDoesNotCover) {
  const auto events = firmware_events(inputs());
  auto log = EventLog::create(kBanks);
  log.append(kFirmwarePcr, events[0].type, events[0].data, as_bytes("something else"));
  const auto found = difference(log, inputs());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->name, "hardware-key-hash");
  EXPECT_EQ(found->found.find("hardware-key-hash"), std::string::npos) << found->found;
  EXPECT_NE(found->found.find("with digest"), std::string::npos) << found->found;
}

TEST(FirstDifference, NamesAMissingEvent) {
  auto events = firmware_events(inputs());
  events.pop_back();
  const auto found = difference(expected_log(events, kBanks), inputs());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->index, 4U);
  EXPECT_EQ(found->name, "pef-enable");
  EXPECT_EQ(found->found, "nothing");
}

TEST(FirstDifference, NamesAnExtraEvent) {
  auto log = expected_log(firmware_events(inputs()), kBanks);
  log.append(kFirmwarePcr, event_type::kSeparator, Bytes(4), Bytes(4));
  const auto found = difference(log, inputs());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->index, 5U);
  EXPECT_EQ(found->name, "extra event");
  EXPECT_EQ(found->expected, "nothing");
  EXPECT_EQ(found->found, "EV_SEPARATOR 00000000");
}

TEST(FirstDifference, NeedsTheBankInTheLog) {
  const auto log = expected_log(firmware_events(inputs()), std::array{HashAlgorithm::sha1});
  EXPECT_THAT(first_difference(log, firmware_events(inputs()), HashAlgorithm::sha256),
              FailsAt(ErrorCode::not_found, "bank"));
}

}  // namespace
}  // namespace sealift::tpm
