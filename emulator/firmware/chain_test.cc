// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/chain.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "emulator/firmware/tamper.h"

namespace sealift::emulator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Run {
  Status status;
  std::vector<std::string> events;
};

Run run(const Flash& flash, const Chip& chip) {
  Run out;
  out.status = run_firmware(flash, chip, [&out](const tpm::MeasuredEvent& event) {
    out.events.push_back(event.name);
    return Status{};
  });
  return out;
}

/// A machine with the default firmware of a vendor of its own.
class ChainTest : public testing::Test {
 protected:
  tpm::PcrValues predicted(const Flash& flash, const Chip& chip) const {
    const std::array banks{crypto::HashAlgorithm::sha256};
    return tpm::expected_pcrs(tpm::firmware_events(firmware_inputs(flash, chip).value()), banks);
  }
  Flash with(Component component, Tampering how) const {
    auto flash = flash_;
    part(flash, component) = tamper(part(flash_, component), component, how).value();
    return flash;
  }

  const Vendor vendor_ = Vendor::generate().value();
  const Flash flash_ = build_firmware(vendor_, firmware_sets().front()).value();
  const Chip chip_{.hardware_key_hash = vendor_.hardware_key_hash().value()};
};

TEST_F(ChainTest, MeasuresInTheOrderOfTheDesign) {
  const auto out = run(flash_, chip_);
  EXPECT_THAT(out.status, Succeeds());
  EXPECT_THAT(out.events, ElementsAre("hardware-key-hash", "secure-boot-jumper", "verification-code-hash",
                                      "separator", "pef-enable"));
}

TEST_F(ChainTest, StopsAtEveryComponentTamperedInEveryWayAndNamesIt) {
  for (const auto component : kComponents) {
    for (const auto how : {Tampering::payload, Tampering::signature, Tampering::hardware_keys}) {
      SCOPED_TRACE(name(component));
      const auto out = run(with(component, how), chip_);
      const auto code = how == Tampering::hardware_keys ? ErrorCode::firmware_keys_differ
                                                        : ErrorCode::firmware_signature_invalid;
      EXPECT_THAT(out.status, FailsAt(code, name(component)));
      EXPECT_THAT(out.events, testing::Not(testing::Contains("separator")));
    }
  }
}

TEST_F(ChainTest, MeasuresNothingWhenTheLoaderThatMeasuresIsAltered) {
  EXPECT_THAT(run(with(Component::mutable_loader, Tampering::payload), chip_).events, IsEmpty());
}

TEST_F(ChainTest, SaysWhichComponentIsNoContainer) {
  auto flash = flash_;
  part(flash, Component::ext).resize(100);
  EXPECT_THAT(run(flash, chip_).status, FailsAt(ErrorCode::firmware_signature_invalid, "ext"));
}

TEST_F(ChainTest, RefusesComponentsThatChangedPlaces) {
  auto flash = flash_;
  std::swap(part(flash, Component::init), part(flash, Component::ext));
  EXPECT_THAT(run(flash, chip_).status, FailsAt(ErrorCode::firmware_signature_invalid, "init"));
}

TEST_F(ChainTest, RunsAlteredFirmwareWithTheJumperOffButSaysSoInThePcr) {
  const Chip open{.hardware_key_hash = chip_.hardware_key_hash, .secure_boot_jumper = false};
  EXPECT_THAT(run(with(Component::opal, Tampering::payload), open).status, Succeeds());
  EXPECT_NE(predicted(flash_, open), predicted(flash_, chip_));
}

TEST_F(ChainTest, PredictsAnotherPcrForAnotherVerificationCode) {
  const auto next = build_firmware(vendor_, *firmware_set_from_name("next").value()).value();
  EXPECT_THAT(run(next, chip_).status, Succeeds());
  EXPECT_NE(predicted(next, chip_), predicted(flash_, chip_));
}

TEST_F(ChainTest, PredictsAnotherPcrForOtherHardwareKeys) {
  const auto other = Vendor::generate().value();
  const auto flash = build_firmware(other, firmware_sets().front()).value();
  const Chip rewritten{.hardware_key_hash = other.hardware_key_hash().value()};
  EXPECT_THAT(run(flash, chip_).status, FailsAt(ErrorCode::firmware_keys_differ, "immutable-loader"));
  EXPECT_THAT(run(flash, rewritten).status, Succeeds());
  EXPECT_NE(predicted(flash, rewritten), predicted(flash_, chip_));
}

TEST_F(ChainTest, PredictsAnotherPcrWithPefOff) {
  const Chip off{.hardware_key_hash = chip_.hardware_key_hash, .pef_enabled = false};
  EXPECT_NE(predicted(flash_, off), predicted(flash_, chip_));
}

TEST_F(ChainTest, EndsWhereTheTpmRefusesAMeasurement) {
  const auto refused = run_firmware(flash_, chip_, [](const tpm::MeasuredEvent&) -> Status {
    return fail(ErrorCode::tpm_unavailable, "gone");
  });
  EXPECT_THAT(refused, FailsWith(ErrorCode::tpm_unavailable));
}

TEST(FirmwareSets, HavePayloadsThatDependOnComponentAndVersionOnly) {
  const auto one = build_firmware(Vendor::generate().value(), firmware_sets().front()).value();
  const auto other = build_firmware(Vendor::generate().value(), firmware_sets().front()).value();
  for (const auto component : kComponents) {
    EXPECT_EQ(Container::parse(part(one, component))->payload,
              Container::parse(part(other, component))->payload);
  }
}

TEST(FirmwareSets, AreRefusedByNamesThatDoNotExist) {
  EXPECT_THAT(firmware_set_from_name("default"), Succeeds());
  EXPECT_THAT(firmware_set_from_name("best"), FailsAt(ErrorCode::invalid_argument, "firmware"));
  EXPECT_THAT(component_from_name("bios"), FailsAt(ErrorCode::invalid_argument, "component"));
}

}  // namespace
}  // namespace sealift::emulator
