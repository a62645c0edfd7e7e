// SPDX-License-Identifier: Apache-2.0
// What the program has in its memory: after what it does, and while it does it.
#include <algorithm>
#include <atomic>
#include <thread>

#include "crypto/random.h"
#include "services/securitymodule/memory_for_test.h"
#include "services/securitymodule/program_for_test.h"

namespace sealift::securitymodule {
namespace {

class MemoryTest : public ProgramTest {
 protected:
  void SetUp() override {
    if (const auto* const why = why_memory_cannot_be_judged()) GTEST_SKIP() << why;
  }
  static bool remembers(Program& sm) { return !mappings_with_seed(sm.child().pid(), kSeedByte).empty(); }

  v1::PutSeedRequest new_seed() const {
    v1::PutSeedRequest request;
    request.set_image_id(to_hex(crypto::random_array<16>()));
    request.set_seed(std::string(esm::kSeedSize, static_cast<char>(kSeedByte)));
    *request.mutable_policy() = maker.policy();
    return request;
  }
  /// Inserts seeds and has them sealed, until it is told to stop: how often.
  void work(Program& sm, const std::atomic<bool>& stop, std::atomic<int>& sealed) const {
    while (!stop) {
      const auto seed = new_seed();
      v1::RequestAuthorizationRequest request;
      request.set_tenant(kTenant);
      request.set_image_id(seed.image_id());
      request.set_tee("measured");
      request.set_evidence(text_of(host.evidence()));
      const auto put = sm.tenant->call<v1::PutSeedResponse>("sealift.v1.SeedService.PutSeed", seed);
      if (!put) continue;  // more than a tenant may
      const auto asked = sm.orchestrator->call<v1::RequestAuthorizationResponse>(
          "sealift.v1.AuthorizationService.RequestAuthorization", request);
      ASSERT_THAT(asked, Succeeds());
      ASSERT_TRUE(asked->has_sealed_data());
      ++sealed;
    }
  }
};

// Who finds nothing in the others would find it here.
TEST_F(MemoryTest, IsLookedThroughWhole) {
  const Bytes seed(esm::kSeedSize, 0xd7);
  const auto found = mappings_with_seed(::getpid(), seed.front());
  const auto at = reinterpret_cast<std::uintptr_t>(seed.data());
  EXPECT_TRUE(std::ranges::any_of(
      found, [&](const Mapping& mapping) { return mapping.from <= at && at < mapping.to; }));
}

TEST_F(MemoryTest, ForgetsTheSeedsItTakes) {
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  EXPECT_TRUE(rpc::testing::eventually([&] { return !remembers(sm); }));
}

TEST_F(MemoryTest, ForgetsTheSeedsItSeals) {
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
  EXPECT_FALSE(remembers(sm));
}

// A seed is in memory while it is taken in, or sealed: in pages that are locked, for that long.
TEST_F(MemoryTest, HasSeedsUnderLoadInLockedPagesAloneAndNoneAfterwards) {
  constexpr int kClients = 6;
  constexpr int kScans = 12;
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  ASSERT_THAT(sm.answer(sm.ask(host)->question(), host), Succeeds());
  std::atomic<bool> stop = false;
  std::atomic<int> sealed = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < kClients; ++i) clients.emplace_back([&] { work(sm, stop, sealed); });
    for (int scan = 0; scan < kScans; ++scan) {
      for (const auto& mapping : mappings_with_seed(sm.child().pid(), kSeedByte))
        EXPECT_TRUE(mapping.locked) << std::hex << mapping.from << "-" << mapping.to;
    }
    stop = true;
  }
  EXPECT_GT(sealed, 20);
  EXPECT_TRUE(rpc::testing::eventually([&] { return !remembers(sm); }));
  EXPECT_FALSE(holds_seed(as_bytes(log()), kSeedByte));
}

// Root can take a core; nobody else can (ProgramTest.IsHardened), and the kernel writes none.
TEST_F(MemoryTest, HasNoSeedInACoreThatRootTakesAfterwards) {
  if (run({.argv = {"sh", "-c", "command -v gcore"}})->exit_status != 0)
    GTEST_SKIP() << "gcore is not there (Debian: gdb)";
  auto sm = start_new();
  ASSERT_THAT(sm.put(maker.policy()), Succeeds());
  ASSERT_THAT(sm.answer(sm.ask(host)->question(), host), Succeeds());
  ASSERT_TRUE(rpc::testing::eventually([&] { return !remembers(sm); }));
  const auto core = path("core").string();
  const auto pid = std::to_string(sm.child().pid());
  const auto taken = run({.argv = {"gcore", "-o", core, pid}});
  ASSERT_THAT(taken, Succeeds());
  ASSERT_EQ(taken->exit_status, 0) << taken->err;
  const auto bytes = read_file(core + "." + pid, std::size_t{1} << 32U);
  ASSERT_THAT(bytes, Succeeds());
  EXPECT_GT(bytes->size(), 1U << 20U);
  EXPECT_FALSE(holds_seed(*bytes, kSeedByte));
}

}  // namespace
}  // namespace sealift::securitymodule
