// SPDX-License-Identifier: Apache-2.0
// The program itself: started, asked, killed, started again.
#include <fstream>
#include <regex>
#include <thread>

#include "merkle/log.h"
#include "sealift/v1/audit.pb.h"
#include "sealift/v1/revocations.pb.h"
#include "sealift/v1/sets.pb.h"
#include "services/securitymodule/memory_for_test.h"
#include "services/securitymodule/program_for_test.h"
#include "store/sql/postgres_for_test.h"

namespace sealift::securitymodule {
namespace {

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
  EXPECT_FALSE(holds_seed(as_bytes(lines), kSeedByte));
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

TEST_F(ProgramTest, GoesOnWithABatchOfSealsThatAKillHasInterrupted) {
  std::vector<std::string> images;
  v1::SealToSetResponse first;
  const auto seal = [&](Program& sm, std::size_t count) {
    v1::SealToSetRequest request;
    request.set_name("fleet");
    for (std::size_t i = 0; i < count; ++i) request.add_image_ids(images[i]);
    return sm.tenant->call<v1::SealToSetResponse>("sealift.v1.HostSetService.SealToSet", request);
  };
  {
    auto sm = start_new();
    ASSERT_THAT(sm.put(maker.policy()), Succeeds());
    const auto enrolled = sm.answer(sm.ask(host)->question(), host);
    ASSERT_THAT(enrolled, Succeeds());
    for (char c = 'a'; c < 'g'; ++c) {
      v1::PutSeedRequest request;
      request.set_image_id(images.emplace_back(32, c));
      request.set_seed(std::string(esm::kSeedSize, c));
      *request.mutable_policy() = maker.policy();
      ASSERT_THAT(sm.tenant->call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", request),
                  Succeeds());
    }
    v1::PutSetRequest fleet;
    fleet.mutable_set()->set_name("fleet");
    fleet.mutable_set()->add_hosts(enrolled->storage_key_name());
    ASSERT_THAT(sm.tenant->call<v1::HostSet>("sealift.v1.HostSetService.PutSet", fleet), Succeeds());
    first = seal(sm, 3).value();
    sm.kill();
  }
  auto sm = start();
  const auto all = seal(sm, images.size());
  ASSERT_THAT(all, Succeeds());
  ASSERT_EQ(all->images_size(), 6);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(all->images(i).hosts(0).has_sealed_data()) << all->DebugString();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(all->images(i).hosts(0).sealed_data().SerializeAsString(),
              first.images(i).hosts(0).sealed_data().SerializeAsString());
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

}  // namespace
}  // namespace sealift::securitymodule
