// SPDX-License-Identifier: Apache-2.0
/// Parts that neither work nor die: a host and a security module that are stopped (SIGSTOP), a disk that is
/// full, a store that is locked. Every wait ends, and what is not concerned goes on meanwhile.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <unistd.h>

#include <future>

#include "tests/e2e/cloud_for_test.h"
#include "tests/e2e/customer_for_test.h"
#include "tests/e2e/mini_image_for_test.h"
#include "tests/e2e/processes_for_test.h"

namespace sealift::e2e {
namespace {

using testing::AnyOf;
using testing::Contains;

/// Stopped while this lives.
class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_{pid} {
    EXPECT_GT(pid, 0);
    EXPECT_EQ(::kill(pid_, SIGSTOP), 0);
  }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  ~Stopped() { ::kill(pid_, SIGCONT); }

 private:
  pid_t pid_;
};

class Waits : public testing::Test {
 protected:
  Words words(const CloudForTest& cloud, bool keep_key) const {
    Words words{image_.directory(), "--seed", image_.seed_file()};
    if (keep_key) words.emplace_back("--keep-key");
    const auto approval = cloud.approval();
    words.insert(words.end(), approval.begin(), approval.end());
    return words;
  }
  void expect_runs(const CloudForTest& cloud, bool keep_key, const std::string& tenant = "acme") const {
    const auto launched = cloud.launch(words(cloud, keep_key), tenant);
    EXPECT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(launched.state(), "running");
    EXPECT_EQ(cloud.stop(launched.id(), tenant).value("state", ""), "ended");
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-waits").value();
  MiniImage image_{directory_.path()};
};

TEST_F(Waits, ForAHostThatDoesNotAnswerEndAndAnotherTakesTheLaunch) {
  const CloudForTest cloud{{"--hosts", "2"}};
  expect_runs(cloud, true);  // both have registered by then, or will have
  CloudForTest::Launched launched;
  {
    const Stopped stopped{cloud.process("host-1")};
    launched = cloud.launch(words(cloud, true));
    EXPECT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(launched.state(), "running");
    EXPECT_THAT(launched.events(), Contains("325 target_given_up"));
    Words listing{"hosts"};
    const auto as_operator = cloud.as_operator();
    listing.insert(listing.end(), as_operator.begin(), as_operator.end());
    const auto hosts = cli::sealift_json(listing).at("hosts");
    EXPECT_FALSE(hosts[0].value("answering", true)) << hosts;
    EXPECT_TRUE(hosts[1].value("answering", false)) << hosts;
  }
  // It is back, and starts nothing of what it was asked for meanwhile.
  EXPECT_EQ(cloud.stop(launched.id()).value("state", ""), "ended");
  expect_runs(cloud, true);
  EXPECT_THAT(guests_below(cloud.path("machines")), testing::IsEmpty());
}

TEST_F(Waits, ForASecurityModuleThatDoesNotAnswerEndWhileOthersGoOn) {
  const CloudForTest cloud{{"--hosts", "2", "--tenant", "acme", "--tenant", "umbrella"}};
  expect_runs(cloud, false);
  {
    const Stopped stopped{cloud.process("sm-acme")};
    auto waiting = std::async(std::launch::async, [&] { return cloud.launch({image_.id()}); });
    expect_runs(cloud, false, "umbrella");
    expect_runs(cloud, true);
    const auto refused = waiting.get();
    EXPECT_EQ(refused.exit_status, 3);
    EXPECT_THAT(refused.error.value("code", ""), AnyOf("timeout", "unavailable"));
  }
  expect_runs(cloud, false);
}

/// Takes all the space that is left below a directory.
class Filler {
 public:
  explicit Filler(std::string path) : path_{std::move(path)} {
    const auto file = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC).value();
    for (std::size_t size = 1U << 20U; size > 0;) {
      const Bytes zeros(size);
      if (::write(file.get(), zeros.data(), zeros.size()) <= 0) size /= 2;
    }
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;
  ~Filler() { std::filesystem::remove(path_); }

 private:
  std::string path_;
};

TEST_F(Waits, AreNoneOnAFullDisk) {
  // A mount that only this process and its children see; it goes with them.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=96m,mode=0755") != 0)
    GTEST_SKIP() << "only root can mount a disk of its own";
  const auto* const before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", directory_.path().c_str(), 1);
  const MiniImage image{directory_.path()};
  {
    const CloudForTest cloud{{"--hosts", "1"}};
    const auto first = cloud.launch(words(cloud, false));
    ASSERT_EQ(first.exit_status, 0) << first.error;
    std::map<std::string, pid_t> processes;
    for (const auto* name : {"frontend", "orchestrator", "sm-acme", "host-1"})
      processes[name] = cloud.process(name);
    {
      const Filler filler{(directory_.path() / "filler").string()};
      for (int i = 0; i < 3; ++i) {
        auto launched = cloud.launch({image_.id()});
        if (launched.exit_status == 0) continue;  // there was room for it in what is allocated
        EXPECT_NE(launched.error.value("code", ""), "") << launched.error;
        EXPECT_NE(launched.error.value("code", ""), "internal") << launched.error;
      }
      EXPECT_EQ(cloud.state_of(first.id()).value("state", ""), "running") << "what was acknowledged is there";
    }
    for (const auto& [name, pid] : processes) EXPECT_EQ(cloud.process(name), pid) << name << " has crashed";
    for (const auto& launch : cli::sealift_json(cloud.words({"ps"})).at("launches"))
      EXPECT_THAT(cloud.stop(launch.value("launch_id", "")).value("state", ""), AnyOf("ended", "refused"));
    expect_runs(cloud, false);
  }
  kept.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", kept.c_str(), 1);
  EXPECT_EQ(::umount2(directory_.path().c_str(), MNT_DETACH), 0);
}

/// Nobody else writes to that database while this lives.
class Locked {
 public:
  explicit Locked(const std::string& file) {
    EXPECT_EQ(::sqlite3_open(file.c_str(), &database_), SQLITE_OK);
    ::sqlite3_busy_timeout(database_, 60'000);
    EXPECT_EQ(::sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { ::sqlite3_close(database_); }

 private:
  sqlite3* database_ = nullptr;
};

TEST_F(Waits, ForAStoreThatIsSlowEndWithIt) {
  const CloudForTest cloud{{"--hosts", "1"}};
  expect_runs(cloud, false);
  for (const auto* store : {"orchestrator.db", "frontend.db", "sm-acme.db"}) {
    SCOPED_TRACE(store);
    std::future<CloudForTest::Launched> launching;
    {
      const Locked locked{cloud.path(store)};
      launching = std::async(std::launch::async, [&] { return cloud.launch({image_.id()}); });
      std::this_thread::sleep_for(std::chrono::seconds{3});
    }
    const auto launched = launching.get();
    EXPECT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(cloud.stop(launched.id()).value("state", ""), "ended");
  }
}

TEST_F(Waits, ForAStoreThatStaysLockedEndWithAReason) {
  const CloudForTest cloud{{"--hosts", "1"}};
  expect_runs(cloud, false);
  {
    const Locked locked{cloud.path("orchestrator.db")};
    const auto refused = cloud.launch({image_.id()});
    EXPECT_EQ(refused.exit_status, 3);
    EXPECT_THAT(refused.error.value("code", ""), AnyOf("timeout", "unavailable", "conflict"))
        << refused.error;
  }
  expect_runs(cloud, false);
}

}  // namespace
}  // namespace sealift::e2e
