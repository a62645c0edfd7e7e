// SPDX-License-Identifier: Apache-2.0
// Many at once, in one process and in several.
#include <atomic>
#include <barrier>
#include <thread>

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::host;

constexpr int kThreads = 16;

class ReplicasTest : public SecurityModuleTest {
 protected:
  /// `work(i)` on each of 16 threads at the same time.
  template <typename Work>
  static void all_at_once(Work work) {
    std::barrier start{kThreads};
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        work(i);
      });
    }
  }

  ReplicaForTest other_replica{url(), clock, log};
  SecurityModule& other = other_replica.sm;
  SecurityModule& one_of_both(int i) { return i % 2 == 0 ? sm : other; }
};

TEST_F(ReplicasTest, TakeTheAnswerToAQuestionThatAnotherAsked) {
  ASSERT_THAT(put(sm), Succeeds());
  const auto question = ask(other, host().evidence()).value().question();
  const auto answered = answer(sm, question, answer_of(host(), question));
  ASSERT_THAT(answered, Succeeds());
  const auto again = ask(other, host().evidence()).value();
  EXPECT_EQ(again.sealed_data().SerializeAsString(), answered->sealed_data().SerializeAsString());
}

TEST_F(ReplicasTest, MakeOneAuthorizationForAllWhoAskAtOnce) {
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(put(sm, kOtherImage, 2), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  const auto evidence = host().evidence();
  std::vector<std::string> got(kThreads);
  all_at_once([&](int i) {
    const auto authorized = ask(one_of_both(i), evidence, kOtherImage);
    if (authorized) got[static_cast<std::size_t>(i)] = authorized->sealed_data().SerializeAsString();
  });
  EXPECT_FALSE(got[0].empty());
  for (const auto& one : got) EXPECT_EQ(one, got[0]);
  EXPECT_EQ(replica.stores.authorizations->count_of_image(kTenant, kOtherImage, 100).value(), 1);
  EXPECT_EQ(log.count("made"), 2);  // this one, and the enrolment's
}

TEST_F(ReplicasTest, CountAnAnswerOnceWhoeverGetsIt) {
  ASSERT_THAT(put(sm), Succeeds());
  const auto question = ask(sm, host().evidence()).value().question();
  const auto right = answer_of(host(), question);
  std::atomic<int> accepted = 0;
  std::atomic<int> used = 0;
  all_at_once([&](int i) {
    const auto answered = answer(one_of_both(i), question, right);
    if (answered) {
      ++accepted;
    } else if (answered.error().code == ErrorCode::challenge_used) {
      ++used;
    }
  });
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(used, kThreads - 1);
}

TEST_F(ReplicasTest, KeepOneSeedOfThoseThatArriveAtOnce) {
  std::atomic<int> accepted = 0;
  std::atomic<int> refused = 0;
  all_at_once([&](int i) {
    const auto put_one = put(one_of_both(i), kImage, static_cast<std::uint8_t>(i));
    if (put_one) {
      ++accepted;
    } else if (put_one.error().code == ErrorCode::already_exists) {
      ++refused;
    }
  });
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(refused, kThreads - 1);
}

TEST_F(ReplicasTest, TakeTheSameSeedFromAllWhoBringIt) {
  std::atomic<int> accepted = 0;
  all_at_once([&](int i) { accepted += put(one_of_both(i)).has_value() ? 1 : 0; });
  EXPECT_EQ(accepted, kThreads);
}

TEST_F(ReplicasTest, EnrolManyHostsAtOnce) {
  ASSERT_THAT(put(sm), Succeeds());
  std::vector<std::unique_ptr<tee::HostForTest>> hosts(kThreads);
  for (auto& one : hosts) one = std::make_unique<tee::HostForTest>();
  std::atomic<int> enrolled = 0;
  all_at_once([&](int i) {
    const auto question = ask(one_of_both(i), hosts[static_cast<std::size_t>(i)]->evidence());
    if (!question) return;
    const auto right = answer_of(*hosts[static_cast<std::size_t>(i)], question->question());
    enrolled += answer(one_of_both(i + 1), question->question(), right).has_value() ? 1 : 0;
  });
  EXPECT_EQ(enrolled, kThreads);
  EXPECT_EQ(sm.list_enrolled_hosts(asker(), {}).value().hosts_size(), kThreads);
}

}  // namespace
}  // namespace sealift::securitymodule
