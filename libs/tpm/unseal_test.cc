// SPDX-License-Identifier: Apache-2.0
#include "tpm/unseal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/matchers.h"
#include "crypto/random.h"
#include "tpm/commands.h"
#include "tpm/machine_for_test.h"

namespace sealift::tpm {
namespace {

struct Kind {
  const char* name;
  const Profile& (*profile)() noexcept;
  KeyKind key;
};

class Unseal : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto started = MachineForTest::start(GetParam().profile(), GetParam().key);
    ASSERT_THAT(started, Succeeds());
    machine_ = std::make_unique<MachineForTest>(std::move(*started));
  }
  std::unique_ptr<MachineForTest> machine_;
};

INSTANTIATE_TEST_SUITE_P(Machines, Unseal,
                         testing::Values(Kind{"firmware_rsa", firmware_profile, KeyKind::rsa2048},
                                         Kind{"firmware_ecc", firmware_profile, KeyKind::p256},
                                         Kind{"owner_rsa", owner_profile, KeyKind::rsa2048},
                                         Kind{"owner_ecc", owner_profile, KeyKind::p256}),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(Unseal, OpensWhatWasSealedToThisMachineAndState) {
  const auto data = machine_->seal(0x5a);
  ASSERT_THAT(data, Succeeds());
  const auto secret = machine_->unseal(*data);
  ASSERT_THAT(secret, Succeeds());
  EXPECT_TRUE(secret->equals(Bytes(32, 0x5a)));
}

TEST_P(Unseal, TakesAsManyCommandsAsTheHeaderSaysAndLeavesNothingBehind) {
  const auto data = machine_->seal(1);
  ASSERT_THAT(data, Succeeds());
  const auto before = machine_->tpm->statistics().commands;
  ASSERT_THAT(machine_->unseal(*data), Succeeds());
  EXPECT_EQ(machine_->tpm->statistics().commands - before, kUnsealCommands);
  EXPECT_EQ(machine_->slots_in_use().value(), 0U);
}

TEST_P(Unseal, IsRefusedInAnotherState) {
  const auto data = machine_->seal(1);
  ASSERT_THAT(data, Succeeds());
  ASSERT_THAT(machine_->change_state(), Succeeds());
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(machine_->unseal(*data), FailsAt(ErrorCode::pcr_differs, "sha256:6"));
  EXPECT_EQ(machine_->slots_in_use().value(), 0U);
}

TEST_P(Unseal, IsRefusedForAnotherMachinesData) {
  auto other = MachineForTest::start(GetParam().profile(), GetParam().key);
  ASSERT_THAT(other, Succeeds());
  const auto data = other->seal(1);
  ASSERT_THAT(data, Succeeds());
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(machine_->unseal(*data), FailsWith(ErrorCode::sealed_data_refused));
  EXPECT_EQ(machine_->slots_in_use().value(), 0U);
}

TEST_P(Unseal, IsRefusedWithoutTheBootPassword) {
  const auto data = machine_->seal(1);
  ASSERT_THAT(data, Succeeds());
  machine_->boot_password = crypto::random_secret<kBootPasswordSize>();
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(machine_->unseal(*data), FailsWith(ErrorCode::boot_password_refused));
  EXPECT_EQ(machine_->slots_in_use().value(), 0U);
}

TEST_P(Unseal, IsRefusedWithTheBootPasswordOfAnEarlierBoot) {
  const auto data = machine_->seal(1);
  ASSERT_THAT(data, Succeeds());
  auto fresh = rotate_boot_password(*machine_->tpm, GetParam().profile(), {});
  ASSERT_THAT(fresh, Succeeds());
  EXPECT_THAT(machine_->unseal(*data), FailsWith(ErrorCode::boot_password_refused));
  machine_->boot_password = std::move(*fresh);
  EXPECT_THAT(machine_->unseal(*data), Succeeds());
}

TEST_P(Unseal, IsRefusedWhenAByteOfTheSealedDataWasAltered) {
  const auto data = machine_->seal(1);
  ASSERT_THAT(data, Succeeds());
  for (const auto part : {&SealedData::public_area, &SealedData::duplicate, &SealedData::seed}) {
    for (std::size_t i = 0; i < (*data.*part).size(); i += 3) {
      SCOPED_TRACE(i);
      auto altered = *data;
      (altered.*part)[i] ^= 0x04;
      EXPECT_THAT(machine_->unseal(altered), FailsWith(ErrorCode::sealed_data_refused));
    }
  }
  EXPECT_EQ(machine_->slots_in_use().value(), 0U);
  EXPECT_THAT(machine_->unseal(*data), Succeeds());
}

TEST_P(Unseal, IsRefusedWhenTheSealedDataAreTruncated) {
  const auto data = machine_->seal(1);
  ASSERT_THAT(data, Succeeds());
  for (const auto& [part, field] :
       {std::pair{&SealedData::public_area, "public"}, std::pair{&SealedData::duplicate, "duplicate"},
        std::pair{&SealedData::seed, "seed"}}) {
    for (std::size_t size = 0; size < (*data.*part).size(); size += 5) {
      auto shorter = *data;
      (shorter.*part).resize(size);
      EXPECT_THAT(machine_->unseal(shorter), FailsAt(ErrorCode::sealed_data_refused, field));
    }
  }
}

TEST_P(Unseal, SurvivesARestartOfTheTpm) {
  const auto data = machine_->seal(9);
  ASSERT_THAT(data, Succeeds());
  ASSERT_THAT(machine_->swtpm->power_off(), Succeeds());
  EXPECT_THAT(machine_->unseal(*data), FailsWith(ErrorCode::tpm_unavailable));
  ASSERT_THAT(machine_->swtpm->power_on(), Succeeds());
  EXPECT_THAT(machine_->unseal(*data), Succeeds());
}

TEST(UnsealOwner, NamesTheStorageKeysOwnPcrsWhenThoseDiffer) {
  auto machine = MachineForTest::start(owner_profile(), KeyKind::p256);
  ASSERT_THAT(machine, Succeeds());
  const auto data = machine->seal(1);
  ASSERT_THAT(data, Succeeds());
  const auto digest = crypto::digest(HashAlgorithm::sha256, as_bytes("another kernel"));
  ASSERT_THAT(extend_pcr(*machine->tpm, 9, {{HashAlgorithm::sha256, digest}}), Succeeds());
  EXPECT_THAT(machine->unseal(*data), FailsAt(ErrorCode::pcr_differs, "sha256:4,7,9"));
}

TEST(UnsealAnywhere, FailsOnAMachineThatIsNotProvisioned) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  auto tpm = Tpm::open(swtpm->tcti());
  ASSERT_THAT(tpm, Succeeds());
  EXPECT_THAT(read_storage_parent(*tpm, firmware_profile()), FailsAt(ErrorCode::not_found, "storage_key"));
}

/// How many of `rounds` seals a process of its own opens; in the child's exit status.
pid_t unseal_in_a_child(const MachineForTest& machine, const SealedData& data, int rounds) {
  const auto child = fork();
  if (child != 0) return child;
  int opened = 0;
  auto tpm = Tpm::open(machine.swtpm->tcti());
  for (int i = 0; tpm && i < rounds; ++i) {
    const auto secret = unseal(*tpm, machine.parent, machine.boot_password, data,
                               PcrObjectPolicy{machine.expected.selection()});
    opened += secret && secret->equals(Bytes(32, 3)) ? 1 : 0;
  }
  _exit(opened);
}

TEST(UnsealTogether, WorksForSeveralProcessesThatShareOneTpm) {
  constexpr int kRounds = 25;
  auto machine = MachineForTest::start(firmware_profile(), KeyKind::p256);
  ASSERT_THAT(machine, Succeeds());
  const auto data = machine->seal(3);
  ASSERT_THAT(data, Succeeds());
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) children.push_back(unseal_in_a_child(*machine, *data, kRounds));
  for (const auto child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), kRounds);
  }
  EXPECT_EQ(machine->slots_in_use().value(), 0U);
}

}  // namespace
}  // namespace sealift::tpm
