// SPDX-License-Identifier: Apache-2.0
// What becomes of sealed data when the machine that they were sealed to is given up.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tpm/commands.h"
#include "tpm/machine_for_test.h"

namespace sealift::tpm {
namespace {

class Deprovisioning : public testing::TestWithParam<const Profile*> {
 protected:
  void SetUp() override {
    auto started = MachineForTest::start(*GetParam(), KeyKind::p256);
    ASSERT_THAT(started, Succeeds());
    machine = std::make_unique<MachineForTest>(std::move(*started));
    sealed = machine->seal(0x42).value();
    ASSERT_THAT(machine->unseal(sealed), Succeeds());
  }
  /// The same machine anew: what it can do is all that anybody can do with its TPM.
  void provision_again() {
    const auto selection = PcrSelection::parse(GetParam()->pcrs).value();
    const auto approved = read_pcrs(*machine->tpm, selection).value();
    ASSERT_THAT(provision(*machine->tpm, {GetParam(), KeyKind::p256, approved}, {}), Succeeds());
    machine->boot_password = rotate_boot_password(*machine->tpm, *GetParam(), {}).value();
    machine->parent = read_storage_parent(*machine->tpm, *GetParam()).value();
  }
  std::filesystem::path state() const { return machine->swtpm->path("tpm2-00.permall"); }

  std::unique_ptr<MachineForTest> machine;
  SealedData sealed;
};
INSTANTIATE_TEST_SUITE_P(Both, Deprovisioning, testing::Values(&firmware_profile(), &owner_profile()),
                         [](const auto& tested) { return std::string{tested.param->name}; });

TEST_P(Deprovisioning, LeavesTheMachineUnableToOpenWhatWasSealedToIt) {
  const auto before = machine->parent.key.name();
  ASSERT_THAT(deprovision(*machine->tpm, {}), Succeeds());
  EXPECT_FALSE(machine->unseal(sealed));
  provision_again();
  EXPECT_NE(machine->parent.key.name(), before);
  EXPECT_THAT(machine->unseal(sealed), FailsWith(ErrorCode::sealed_data_refused));
  EXPECT_THAT(machine->unseal(machine->seal(1).value()), Succeeds());
}

TEST_P(Deprovisioning, DoesNotReachACopyOfASoftwareTpm) {
  const auto parent = machine->parent;
  ASSERT_THAT(machine->swtpm->power_off(), Succeeds());
  const auto kept = read_file(state(), 1U << 20U).value();
  ASSERT_THAT(machine->swtpm->power_on(), Succeeds());
  ASSERT_THAT(deprovision(*machine->tpm, {}), Succeeds());
  ASSERT_THAT(machine->swtpm->power_off(), Succeeds());
  ASSERT_THAT(write_file(state(), kept, 0600), Succeeds());
  ASSERT_THAT(machine->swtpm->power_on(), Succeeds());
  // The old key is there again, under its old name: this is why a deprovisioned host stays revoked by name.
  EXPECT_EQ(read_storage_parent(*machine->tpm, *GetParam())->key.name(), parent.key.name());
  machine->boot_password = rotate_boot_password(*machine->tpm, *GetParam(), {}).value();
  EXPECT_THAT(machine->unseal(sealed), Succeeds());
}

}  // namespace
}  // namespace sealift::tpm
