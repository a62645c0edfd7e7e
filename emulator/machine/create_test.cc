// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/create.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // setenv

#include <thread>

#include "base/matchers.h"
#include "crypto/x509.h"
#include "emulator/machine/description.h"
#include "emulator/machine/machines_for_test.h"

namespace sealift::emulator {
namespace {

using testing::UnorderedElementsAre;
using tpm::KeyKind;

/// `openssl verify` against the machines directory's test CA.
Result<Output> openssl_verify(const Machine& machine) {
  const auto ca = machine.machines() / "ca";
  SEALIFT_TRY(
      const auto pem,
      run_checked(program({"openssl", "x509", "-inform", "DER", "-in", machine.ek_certificate().native()})));
  return run(program({"openssl", "verify", "-x509_strict", "-CAfile", (ca / "root.pem").native(),
                      "-untrusted", (ca / "intermediate.pem").native(), "-crl_check_all", "-CRLfile",
                      (ca / "root.crl").native(), "-CRLfile", (ca / "intermediate.crl").native()}),
             as_bytes(pem.out));
}

struct Kinds {
  KeyKind ek;
  KeyKind storage_key;
};

class Creating : public testing::TestWithParam<Kinds> {
 protected:
  MachinesForTest machines_;
};

INSTANTIATE_TEST_SUITE_P(
    AllKinds, Creating,
    testing::Values(Kinds{KeyKind::rsa2048, KeyKind::rsa2048}, Kinds{KeyKind::rsa2048, KeyKind::p256},
                    Kinds{KeyKind::p256, KeyKind::rsa2048}, Kinds{KeyKind::p256, KeyKind::p256}),
    [](const auto& kind) {
      return std::string{tpm::name(kind.param.ek)} + "_" + std::string{tpm::name(kind.param.storage_key)};
    });

TEST_P(Creating, GivesACertificateThatOpensslVerifies) {
  CreateOptions options;
  options.ek = GetParam().ek;
  options.storage_key = GetParam().storage_key;
  const auto machine = machines_.create("alpha", options);
  ASSERT_THAT(machine, Succeeds());
  const auto verified = openssl_verify(*machine);
  ASSERT_THAT(verified, Succeeds());
  EXPECT_EQ(verified->exit_status, 0) << verified->err;
}

TEST_P(Creating, GivesKeysThatTheTpmShowsAtTheirHandles) {
  CreateOptions options;
  options.ek = GetParam().ek;
  options.storage_key = GetParam().storage_key;
  const auto machine = machines_.create("alpha", options);
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(boot_machine(*machine, MachinesForTest::placeholder()), Succeeds());
  const auto handles = MachinesForTest::tool(*machine, {"tpm2_getcap", "handles-persistent"});
  EXPECT_THAT(handles->out, testing::HasSubstr("0x81800002"));
  EXPECT_THAT(handles->out, testing::HasSubstr(options.ek == KeyKind::rsa2048 ? "0x81010001" : "0x81010002"));
}

class CreatingMachines : public testing::Test {
 protected:
  MachinesForTest machines_;
};

TEST_F(CreatingMachines, GivesEachItsOwnKeys) {
  const auto one = machines_.create("one");
  const auto other = machines_.create("other");
  ASSERT_THAT(one, Succeeds());
  ASSERT_THAT(other, Succeeds());
  const auto first = read_description(one->description());
  const auto second = read_description(other->description());
  ASSERT_THAT(first, Succeeds());
  ASSERT_THAT(second, Succeeds());
  EXPECT_NE(first->ek_fingerprint, second->ek_fingerprint);
  EXPECT_NE(first->storage_key_name, second->storage_key_name);
  EXPECT_EQ(first->expected_pcrs, second->expected_pcrs);
}

TEST_F(CreatingMachines, SharesOneAuthorityWhenSeveralAreMadeAtOnce) {
  std::vector<Result<Machine>> made(4, fail(ErrorCode::internal, "not made"));
  {
    std::vector<std::jthread> makers;
    for (std::size_t i = 0; i < made.size(); ++i) {
      makers.emplace_back([this, &made, i] { made.at(i) = machines_.create("m" + std::to_string(i)); });
    }
  }
  for (const auto& machine : made) {
    ASSERT_THAT(machine, Succeeds());
    EXPECT_EQ(openssl_verify(*machine)->exit_status, 0);
  }
  EXPECT_THAT(machines_.entries(), UnorderedElementsAre("ca", "firmware", "m0", "m1", "m2", "m3"));
}

TEST_F(CreatingMachines, LetsOneWinWhereTwoWantTheSameName) {
  std::vector<Result<Machine>> made(2, fail(ErrorCode::internal, "not made"));
  {
    std::vector<std::jthread> makers;
    for (auto& result : made) makers.emplace_back([this, &result] { result = machines_.create("same"); });
  }
  EXPECT_NE(made[0].has_value(), made[1].has_value());
  for (const auto& result : made) {
    if (result) continue;
    EXPECT_THAT(result, FailsAt(ErrorCode::already_exists, "name"));
  }
  EXPECT_THAT(machines_.entries(), UnorderedElementsAre("ca", "firmware", "same"));
}

TEST_F(CreatingMachines, LeavesNothingWhereItWasInterrupted) {
  EXPECT_THAT(create_machine(machines_.path(), "alpha", MachinesForTest::quick(), true),
              FailsWith(ErrorCode::canceled));
  EXPECT_THAT(machines_.entries(), UnorderedElementsAre("ca", "firmware"));
}

TEST_F(CreatingMachines, LeavesNothingWhereThereIsNoSwtpm) {
  const std::string path{std::getenv("PATH")};
  ::setenv("PATH", machines_.path().c_str(), 1);
  const auto made = machines_.create("alpha");
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(made, FailsAt(ErrorCode::dependency_missing, "swtpm"));
  EXPECT_THAT(machines_.entries(), UnorderedElementsAre("ca", "firmware"));
}

TEST_F(CreatingMachines, RefusesKeyKindsThatItDoesNotMake) {
  auto options = MachinesForTest::quick();
  options.ek = KeyKind::p384;
  EXPECT_THAT(machines_.create("alpha", options), FailsAt(ErrorCode::invalid_argument, "ek"));
  options = MachinesForTest::quick();
  options.storage_key = KeyKind::p384;
  EXPECT_THAT(machines_.create("alpha", options), FailsAt(ErrorCode::invalid_argument, "storage_key"));
}

TEST_F(CreatingMachines, RefusesAFirmwareThatDoesNotExist) {
  auto options = MachinesForTest::quick();
  options.firmware = "best";
  EXPECT_THAT(machines_.create("alpha", options), FailsAt(ErrorCode::invalid_argument, "firmware"));
}

TEST_F(CreatingMachines, RefusesNamesThatCannotBe) {
  for (const auto* name : {"", ".", "..", "a/b", "-a", ".a", "A", "ca", "firmware", "a b", "ä"}) {
    EXPECT_THAT(machines_.create(name), FailsAt(ErrorCode::invalid_argument, "name")) << name;
  }
  EXPECT_THAT(machines_.create(std::string(64, 'a')), FailsAt(ErrorCode::invalid_argument, "name"));
}

TEST_F(CreatingMachines, SaysWhereAPathIsTooLongForSockets) {
  const auto deep = machines_.path() / std::string(100, 'd');
  EXPECT_THAT(create_machine(deep, "alpha", MachinesForTest::quick(), false),
              FailsAt(ErrorCode::invalid_argument, "dir"));
}

TEST_F(CreatingMachines, IsUndoneByDestroying) {
  const auto machine = machines_.create("alpha");
  ASSERT_THAT(machine, Succeeds());
  ASSERT_THAT(boot_machine(*machine, MachinesForTest::placeholder()), Succeeds());
  ASSERT_THAT(destroy_machine(*machine), Succeeds());
  EXPECT_THAT(machines_.entries(), UnorderedElementsAre("ca", "firmware"));
  EXPECT_THAT(Machine::find(machines_.path(), "alpha"), FailsAt(ErrorCode::not_found, "name"));
}

TEST(Machines, AreNoneWhereThereIsNoDirectory) {
  const auto all = Machine::all("/nonexistent/machines");
  ASSERT_THAT(all, Succeeds());
  EXPECT_TRUE(all->empty());
}

}  // namespace
}  // namespace sealift::emulator
