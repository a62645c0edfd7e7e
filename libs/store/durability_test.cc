// SPDX-License-Identifier: Apache-2.0
/// What was acknowledged stays, whenever a service is killed, and nothing stays half.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/process.h"
#include "store/conformance_for_test.h"
#include "store/launches_for_test.h"

namespace sealift::store {
namespace {

constexpr int kThreads = 8;

struct Acknowledged {
  std::int32_t launch = 0;
  std::int32_t attempt = 0;
};

std::string id_of(const std::string& round, int launch) { return round + std::to_string(launch); }

/// In a process of its own: moves its launches on for ever, and tells of each change that the store
/// acknowledged.
[[noreturn]] void work_until_killed(const std::string& url, const std::string& round, int out) {
  auto database = store::open(url, Schema::launches);
  if (!database) ::_exit(1);
  const auto launches = make_launch_store(**database);
  in_threads(kThreads, [&](int i) {
    const auto id = id_of(round, i);
    if (!launches->create(new_launch(id, round), {}, kThreads)) ::_exit(2);
    for (std::int32_t attempt = 1;; ++attempt) {
      auto change = change_of(*launches->get_any(id));
      change.record.attempt = attempt;
      change.events = {new_event("moved")};
      if (!launches->commit(change)) ::_exit(3);
      const Acknowledged told{i, attempt};
      if (::write(out, &told, sizeof told) != sizeof told) ::_exit(4);
    }
  });
  ::_exit(5);
}

class Durability : public Conformance {
 protected:
  /// Kills a worker after it acknowledged `count` changes: the last attempt acknowledged of each launch.
  std::vector<std::int32_t> kill_after(int count, const std::string& round) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    Child worker{::fork()};
    if (worker.pid() == 0) {
      ::close(pipe[0]);
      work_until_killed(url(), round, pipe[1]);
    }
    ::close(pipe[1]);
    const UniqueFd in{pipe[0]};
    std::vector<std::int32_t> last(kThreads, 0);
    const auto hear = [&] {
      Acknowledged told;
      if (::read(in.get(), &told, sizeof told) != sizeof told) return false;
      last[static_cast<std::size_t>(told.launch)] = told.attempt;
      return true;
    };
    for (int i = 0; i < count; ++i) EXPECT_TRUE(hear()) << "the worker ended by itself";
    worker.signal(SIGKILL);
    EXPECT_EQ(*worker.wait(), 128 + SIGKILL);
    while (hear()) {
    }
    return last;
  }
};
SEALIFT_CONFORMANCE(Durability);

struct Kept {
  std::int64_t attempt = -1;  ///< of no launch
  std::size_t events = 0;
};

/// What stays of a launch. A server may still be at the last commit of a client that is gone: then the two
/// are read once more.
Kept settled(LaunchStore& launches, const std::string& id) {
  const auto attempt = [&]() -> std::int64_t {
    const auto launch = launches.get_any(id);
    return launch ? launch->attempt : -1;
  };
  for (;;) {
    const Kept kept{attempt(), launches.events(id, 0, 1000)->size()};
    if (attempt() == kept.attempt) return kept;
  }
}

TEST_P(Durability, SurvivesAKillAtAnyMoment) {
  for (const int count : {1, 40, 300}) {
    const auto round = "round-" + std::to_string(count) + "-";
    const auto acknowledged = kill_after(count, round);
    const auto database = open(Schema::launches);
    const auto launches = make_launch_store(*database);
    for (int i = 0; i < kThreads; ++i) {
      const auto id = id_of(round, i);
      const auto told = acknowledged[static_cast<std::size_t>(i)];
      const auto [attempt, events] = settled(*launches, id);
      ASSERT_TRUE(attempt >= 0 || told == 0);
      if (attempt < 0) continue;
      EXPECT_GE(attempt, told);
      // The event came with the change or not at all.
      EXPECT_EQ(events, static_cast<std::size_t>(attempt));
    }
  }
}

}  // namespace
}  // namespace sealift::store
