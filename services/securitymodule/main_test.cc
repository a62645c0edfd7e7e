// SPDX-License-Identifier: Apache-2.0
// The program itself: started, asked, killed, started again.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <thread>

#include "merkle/log.h"
#include "sealift/v1/audit.pb.h"
#include "sealift/v1/revocations.pb.h"
#include "services/securitymodule/program_for_test.h"
#include "store/sql/postgres_for_test.h"

namespace sealift::securitymodule {
namespace {

bool holds(ByteView bytes, std::uint8_t seed) {
  const std::string pattern(16, static_cast<char>(seed));
  return as_text(bytes).find(pattern) != std::string_view::npos;
}

const char* why_memory_cannot_be_judged() {
#ifdef __SANITIZE_ADDRESS__
  return "AddressSanitizer keeps what is freed";
#else
  return ::geteuid() == 0 ? nullptr : "only root may look";
#endif
}

/// Whether the memory of `pid` holds half a seed anywhere. For root.
bool remembers(pid_t pid, std::uint8_t seed) {
  const auto process = "/proc/" + std::to_string(pid);
  const auto memory = open_file(process + "/mem", O_RDONLY).value();
  std::ifstream maps{process + "/maps"};
  int regions = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char readable = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %c", &from, &to, &readable) != 3 || readable != 'r') continue;
    Bytes region(to - from);
    if (!pread_exact(memory.get(), region, from)) continue;
    ++regions;
    if (holds(region, seed)) return true;
  }
  EXPECT_GT(regions, 10);
  return false;
}

TEST_F(ProgramTest, KeepsWhatItSaidThroughAKill) {
  v1::SealedData first;
  {
    auto sm = start_new();
    ASSERT_THAT(sm.put(maker.policy()), Succeeds());
    const auto asked = sm.ask(host);
    ASSERT_THAT(asked, Succeeds());
    const auto sealed = sm.answer(asked->question(), host);
    ASSERT_THAT(sealed, Succeeds());
    first = *sealed;
    sm.kill();
  }
  auto sm = start();
  const auto again = sm.ask(host);
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->sealed_data().SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(sm.put(maker.policy()), Succeeds());
  const auto lines = log();
  EXPECT_EQ(std::ranges::count(lines, '\n'), 5);
  EXPECT_FALSE(holds(as_bytes(lines), kSeedByte));
}

TEST_F(ProgramTest, EndsInOrderWhenItIsTold) {
  auto sm = start_new();
  sm.child().signal(SIGTERM);
  EXPECT_EQ(sm.child().wait().value(), 0);
}

TEST_F(ProgramTest, SharesOnePostgresDatabaseWithAnother) {
  const auto postgres = sql::PostgresForTest::start();
  ASSERT_THAT(postgres, Succeeds());
  database = (*postgres)->new_database().value();
  auto one = start_new();
  auto other = start();
  ASSERT_THAT(one.put(maker.policy()), Succeeds());
  const auto asked = one.ask(host);
  ASSERT_THAT(asked, Succeeds());
  const auto sealed = other.answer(asked->question(), host);
  ASSERT_THAT(sealed, Succeeds());
  EXPECT_THAT(one.answer(asked->question(), host), FailsWith(ErrorCode::challenge_used));
  EXPECT_EQ(one.ask(host)->sealed_data().SerializeAsString(), sealed->SerializeAsString());
}

TEST_F(ProgramTest, DoesNotStartWithoutTheKeyThatItHad) {
  start_new().kill();
  std::filesystem::remove(path("key"));
  for (const auto& more : {std::vector<std::string>{}, {"--create-key"}}) {
    const auto ended = run({.argv = argv(more)});
    ASSERT_THAT(ended, Succeeds());
    EXPECT_EQ(ended->exit_status, static_cast<int>(ErrorKind::refused));
    EXPECT_NE(ended->err.find("failed_precondition"), std::string::npos);
    EXPECT_NE(ended->err.find(path("key").string()), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(path("key")));
  }
}

TEST_F(ProgramTest, KeepsOneLogOfDecisionsForAllItsReplicas) {
  const auto postgres = sql::PostgresForTest::start();
  ASSERT_THAT(postgres, Succeeds());
  database = (*postgres)->new_database().value();
  auto one = start_new();
  auto other = start();
  ASSERT_THAT(one.put(maker.policy()), Succeeds());
  std::vector<std::jthread> threads;
  std::mutex mutex;
  std::vector<merkle::Receipt> receipts;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) {
        const auto asked = (i % 2 == 0 ? one : other).ask(host);
        ASSERT_THAT(asked, Succeeds());
        const std::scoped_lock lock{mutex};
        receipts.push_back(merkle::Receipt::parse(as_bytes(asked->receipt())).value());
      }
    });
  }
  threads.clear();
  const auto page =
      other.tenant->call<v1::ExportLogResponse>("sealift.v1.AuditService.ExportLog", v1::ExportLogRequest{});
  ASSERT_THAT(page, Succeeds());
  const auto key = crypto::PublicKey::parse(as_bytes(page->public_key())).value();
  ByteReader reader{as_bytes(page->head())};
  merkle::Bundle bundle{{}, {}, merkle::read_head(reader).value()};
  for (const auto& entry : page->entries()) bundle.entries.emplace_back(to_bytes(as_bytes(entry.entry())));
  EXPECT_EQ(bundle.entries.size(), 41U);
  std::vector<merkle::SignedHead> heads;
  for (const auto& receipt : receipts) {
    EXPECT_THAT(receipt.verify(key), Succeeds());
    heads.push_back(receipt.head);
  }
  const auto verdict = bundle.verify(key, heads);
  ASSERT_THAT(verdict, Succeeds());
  EXPECT_EQ(verdict->compared, heads.size());
  EXPECT_THAT(one.orchestrator->call<v1::ExportLogResponse>("sealift.v1.AuditService.ExportLog",
                                                            v1::ExportLogRequest{}),
              FailsWith(ErrorCode::permission_denied));
}

// Whatever a replica keeps in memory: it has answered for this host before, and is asked with no pause.
TEST_F(ProgramTest, SealsNothingToWhatAnotherReplicaHasRevoked) {
  const auto postgres = sql::PostgresForTest::start();
  ASSERT_THAT(postgres, Succeeds());
  database = (*postgres)->new_database().value();
  auto one = start_new();
  auto other = start();
  ASSERT_THAT(one.put(maker.policy()), Succeeds());
  const auto sealed = one.answer(one.ask(host)->question(), host);
  ASSERT_THAT(sealed, Succeeds());
  v1::Revocation revoked;
  revoked.set_kind(v1::REVOCATION_KIND_HOST);
  revoked.set_subject(sealed->storage_key_name());
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(one.ask(host), Succeeds());
    ASSERT_THAT(other.ask(host), Succeeds());
    v1::RevokeRequest revoke;
    *revoke.mutable_revocation() = revoked;
    ASSERT_THAT(one.tenant->call<v1::RevokeResponse>("sealift.v1.RevocationService.Revoke", revoke),
                Succeeds());
    EXPECT_THAT(other.ask(host), FailsAt(ErrorCode::failed_precondition, "storage_key"));
    EXPECT_THAT(one.ask(host), FailsAt(ErrorCode::failed_precondition, "storage_key"));
    v1::ReinstateRequest reinstate;
    *reinstate.mutable_revocation() = revoked;
    ASSERT_THAT(
        other.tenant->call<v1::ReinstateResponse>("sealift.v1.RevocationService.Reinstate", reinstate),
        Succeeds());
  }
}

TEST_F(ProgramTest, RotatesItsProtectorBeneathReplicasThatRun) {
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  const auto other = "insecure-file:" + path("other-key").string();
  const auto rotated = run_checked({.argv = {program().string(), "rotate", "--database", database,
                                             "--protector", protector, "--to", other, "--create-key"}});
  ASSERT_THAT(rotated, Succeeds());
  EXPECT_TRUE(rotated->out.starts_with("file:")) << rotated->out;
  EXPECT_EQ(run_checked({.argv = {program().string(), "keys", "--database", database}})->out, rotated->out);
  EXPECT_THAT(sm.ask(host), Succeeds());
  EXPECT_EQ(run({.argv = argv()})->exit_status, static_cast<int>(ErrorKind::refused));
  protector = other;
  EXPECT_THAT(start().ask(host), Succeeds());
}

TEST_F(ProgramTest, DoesNotStartWithTheCredentialsOfAnotherRole) {
  auto words = argv({"--create-key"});
  words[2] = world.files(Role::tenant, kTenant).string();
  const auto ended = run({.argv = words});
  ASSERT_THAT(ended, Succeeds());
  EXPECT_EQ(ended->exit_status, static_cast<int>(ErrorKind::usage));
  EXPECT_NE(ended->err.find("invalid_argument"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path("key")));
}

TEST_F(ProgramTest, IsHardened) {
  auto sm = start_new();
  const auto process = "/proc/" + std::to_string(sm.child().pid());
  std::ifstream limits{process + "/limits"};
  const std::string text{std::istreambuf_iterator<char>{limits}, {}};
  EXPECT_TRUE(std::regex_search(text, std::regex{"Max core file size +0 +0 "})) << text;
  std::ifstream status{process + "/status"};
  const std::string states{std::istreambuf_iterator<char>{status}, {}};
  EXPECT_NE(states.find("NoNewPrivs:\t1"), std::string::npos);
}

TEST_F(ProgramTest, ForgetsTheSeedsItTakes) {
  if (const auto* const why = why_memory_cannot_be_judged()) GTEST_SKIP() << why;
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  EXPECT_TRUE(rpc::testing::eventually([&] { return !remembers(sm.child().pid(), kSeedByte); }));
}

TEST_F(ProgramTest, ForgetsTheSeedsItSeals) {
  if (const auto* const why = why_memory_cannot_be_judged()) GTEST_SKIP() << why;
  {
    auto sm = start_new();
    ASSERT_THAT(sm.put(maker.policy()), Succeeds());
    sm.kill();
  }
  auto sm = start();
  const auto asked = sm.ask(host);
  ASSERT_THAT(asked, Succeeds());
  ASSERT_THAT(sm.answer(asked->question(), host), Succeeds());
  for (int i = 0; i < 20; ++i) ASSERT_THAT(sm.ask(host), Succeeds());
  EXPECT_FALSE(remembers(sm.child().pid(), kSeedByte));
}

}  // namespace
}  // namespace sealift::securitymodule
