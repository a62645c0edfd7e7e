// SPDX-License-Identifier: Apache-2.0
/// 200 times kill -9: every process of the cloud, after every event of a launch, with both key models, and at
/// moments of chance. Whatever dies, a launch runs once or is refused with a reason, and what anybody was
/// told stays true.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>

#include "tests/e2e/cloud_for_test.h"
#include "tests/e2e/customer_for_test.h"
#include "tests/e2e/mini_image_for_test.h"
#include "tests/e2e/processes_for_test.h"

namespace sealift::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kLanes = 4;  // launches under way together: each meets the others' kills as well
constexpr std::chrono::seconds kLimit{120};
constexpr const char* kSays = "hello from the guest\n";

const std::vector<std::string> kEventsOfAll{
    "instance_requested",   "target_selected", "evidence_asked",   "evidence_received",   "enrolment_asked",
    "sealed_data_received", "dispatched",      "image_fetched",    "components_pinned",   "operand_found",
    "target_found",         "seal_opened",     "payload_verified", "components_verified", "guest_started"};

std::vector<std::string> events_of(const std::string& key_model) {
  auto events = kEventsOfAll;
  if (key_model == "keep") events.emplace_back("question_relayed");
  return events;
}

/// One launch, and who is killed when.
struct Killing {
  std::string tenant;
  bool keep_key;
  std::vector<std::string> victims;
  std::string after;  ///< this event; "": after `delay`
  milliseconds delay = milliseconds{0};
};

std::string describe(const Killing& run) {
  return std::string{run.keep_key ? "keep" : "bring"} + ", " + run.victims.front() + " killed " +
         (run.after.empty() ? "after " + std::to_string(run.delay.count()) + " ms" : "after " + run.after);
}

class Kills : public testing::Test {
 protected:
  /// Runs all of them, some at a time.
  void go(const CloudForTest& cloud, const std::vector<Killing>& runs) {
    guests_.emplace(cloud.path("machines"));
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> lanes;
    for (std::size_t i = 0; i < std::min(kLanes, runs.size()); ++i) {
      lanes.emplace_back([&] {
        for (auto at = next++; at < runs.size(); at = next++) one(cloud, runs[at]);
      });
    }
    lanes.clear();
    EXPECT_EQ(kills_, runs.size());
    // A cloud that refuses all of them has not been tried.
    EXPECT_GE(ran_, runs.size() * 3 / 4);
    std::cout << runs.size() << " launches, " << kills_ << " kills, " << ran_ << " ran, " << refused_
              << " refused\n";
  }

  /// The image is there, and the tenant's security module has its seed.
  void introduce(const CloudForTest& cloud, const std::string& tenant) {
    Words words{image_.directory(), "--seed", image_.seed_file()};
    const auto approval = cloud.approval();
    words.insert(words.end(), approval.begin(), approval.end());
    const auto launched = cloud.launch(words, tenant);
    ASSERT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(cloud.stop(launched.id(), tenant).value("state", ""), "ended");
  }

  Words words_for(const CloudForTest& cloud, const Killing& run, const std::string& key) const {
    Words words{
        "launch", run.keep_key ? image_.id() : image_.directory(), "--yes", "--json", "--idempotency-key",
        key};
    if (run.keep_key) words.emplace_back("--keep-key");
    words.insert(words.end(), {"--seed", image_.seed_file()});
    const auto approval = cloud.approval();
    words.insert(words.end(), approval.begin(), approval.end());
    return cloud.words(words, run.tenant);
  }

  void kill_all(const CloudForTest& cloud, const Killing& run) {
    for (const auto& victim : run.victims) {
      const auto until = steady_clock::now() + kLimit;
      auto pid = cloud.process(victim);
      for (; pid < 0 && steady_clock::now() < until; pid = cloud.process(victim))
        std::this_thread::sleep_for(milliseconds{10});
      ASSERT_GT(pid, 0) << victim << " is not started again";
      ::kill(pid, SIGKILL);
    }
    ++kills_;
  }

  /// What the customer was told, by sequence number.
  using Told = std::map<std::uint32_t, std::string>;

  /// Follows the tool's lines to its end.
  struct Tool {
    std::string launch_id;
    Told told;
    std::string error;
    int exit_status = -1;
  };

  template <typename OnEvent>
  Tool run_tool(const Words& words, OnEvent on_event) {
    int ends[2];
    int errors[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(errors, O_CLOEXEC), 0);
    const UniqueFd reading{ends[0]};
    const UniqueFd reading_errors{errors[0]};
    UniqueFd writing{ends[1]};
    UniqueFd writing_errors{errors[1]};
    auto command = cli::sealift_command(words);
    command.stdout_fd = writing.get();
    command.stderr_fd = writing_errors.get();
    auto child = spawn(command).value();
    writing.reset();
    writing_errors.reset();
    Tool tool;
    std::string pending;
    char buffer[4096];
    on_event("");
    for (ssize_t got = 0; (got = ::read(reading.get(), buffer, sizeof buffer)) > 0;) {
      pending.append(buffer, static_cast<std::size_t>(got));
      for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        const auto line = Json::parse(pending.substr(0, end), nullptr, false);
        pending.erase(0, end + 1);
        if (!line.is_object() || !line.contains("event")) continue;
        tool.launch_id = line.value("launch_id", "");
        tool.told[line.value("sequence", 0U)] = line.value("event", "");
        on_event(line.value("event", ""));
      }
    }
    for (ssize_t got = 0; (got = ::read(reading_errors.get(), buffer, sizeof buffer)) > 0;)
      tool.error.append(buffer, static_cast<std::size_t>(got));
    tool.exit_status = child.wait().value();
    return tool;
  }

  void one(const CloudForTest& cloud, const Killing& run) {
    SCOPED_TRACE(describe(run));
    const auto key = "run-" + std::to_string(++keys_);
    const CustomerForTest customer{cloud.path("credentials/tenant-" + run.tenant),
                                   cloud.description().value("frontend", "")};
    bool killed = false;
    const auto kill_once = [&] {
      if (!std::exchange(killed, true)) kill_all(cloud, run);
    };
    std::jthread clock;
    if (run.after.empty()) {
      clock = std::jthread{[&] {
        std::this_thread::sleep_for(run.delay);
        kill_once();
      }};
    }
    // As a script does that must have its launch: the same again until the cloud has an answer.
    Told told;
    std::string id;
    for (const auto until = steady_clock::now() + kLimit; steady_clock::now() < until;) {
      const auto tool = run_tool(words_for(cloud, run, key), [&](const std::string& event) {
        if (!run.after.empty() && event == run.after) kill_once();
      });
      if (!tool.launch_id.empty()) {
        EXPECT_TRUE(id.empty() || id == tool.launch_id) << "one key, two launches";
        id = tool.launch_id;
      }
      for (const auto& [sequence, name] : tool.told) {
        const auto known = told.emplace(sequence, name).first->second;
        EXPECT_EQ(known, name) << "event " << sequence << " has changed";
      }
      if (tool.exit_status == 0) break;
      const auto launch = id.empty() ? Result<v1::Launch>{fail(ErrorCode::not_found, "")} : customer.get(id);
      if (launch && is_over(*launch)) break;
      std::this_thread::sleep_for(milliseconds{50});
    }
    if (clock.joinable()) clock.join();
    kill_once();  // where its event never came
    ASSERT_FALSE(id.empty()) << "the cloud never takes the launch";
    check(cloud, customer, id, told);
  }

  void check(const CloudForTest& cloud, const CustomerForTest& customer, const std::string& id,
             const Told& told) {
    const auto launch = customer.wait_for(
        id, {v1::Launch::STATE_RUNNING, v1::Launch::STATE_REFUSED, v1::Launch::STATE_ENDED});
    const bool runs = launch.state() == v1::Launch::STATE_RUNNING;
    if (runs) {
      ++ran_;
      EXPECT_TRUE(comes_to(id, 1)) << id << " runs, and its guest does not";
    } else {
      ++refused_;
      EXPECT_EQ(state_text(launch.state()), "STATE_REFUSED") << id;
      EXPECT_NE(launch.refusal().code(), "") << id << " is refused without a reason";
      EXPECT_NE(launch.refusal().code(), "internal") << launch.refusal().message();
      EXPECT_TRUE(comes_to(id, 0)) << id << " is refused, and its guest runs";
      std::cout << id << " refused: " << launch.refusal().code() << ": " << launch.refusal().message()
                << '\n';
    }
    EXPECT_LE(guests_->started(id), 1U) << id << " was started twice";
    check_events(customer, id, told);
    if (!runs) return;
    EXPECT_EQ(consoles(cloud, id), std::vector<std::string>{kSays}) << id;
    EXPECT_TRUE(customer.stop(id));
    EXPECT_EQ(state_text(customer.wait_for(id, {v1::Launch::STATE_ENDED}).state()), "STATE_ENDED");
    EXPECT_TRUE(comes_to(id, 0)) << id << " ended, and its guest runs";
  }

  static bool comes_to(const std::string& id, std::size_t count) {
    const auto until = steady_clock::now() + kLimit;
    while (guests_of(id).size() != count) {
      if (steady_clock::now() > until) return false;
      std::this_thread::sleep_for(milliseconds{20});
    }
    return true;
  }

  void check_events(const CustomerForTest& customer, const std::string& id, const Told& told) {
    const auto events = customer.events(id);
    ASSERT_TRUE(events) << events.error().message;
    Told kept;
    for (const auto& event : *events) {
      EXPECT_EQ(event.sequence(), kept.size() + 1) << "a gap";
      kept[event.sequence()] = event.name();
    }
    for (const auto& [sequence, name] : told) EXPECT_EQ(kept[sequence], name) << "lost: event " << sequence;
  }

  /// What its guests printed, on whatever host and attempt, once they have printed it all.
  static std::vector<std::string> consoles(const CloudForTest& cloud, const std::string& id) {
    std::vector<std::string> texts;
    for (const auto until = steady_clock::now() + kLimit; steady_clock::now() < until;) {
      texts.clear();
      for (const auto& host : std::filesystem::directory_iterator{cloud.path("agents")}) {
        for (const auto& instance : std::filesystem::directory_iterator{host.path() / "instances"}) {
          if (!instance.path().filename().string().starts_with(id + ".")) continue;
          std::ifstream file{instance.path() / "console"};
          const std::string text{std::istreambuf_iterator<char>{file}, {}};
          if (!text.empty()) texts.push_back(text);
        }
      }
      if (!texts.empty() && texts.front().size() >= std::string_view{kSays}.size()) break;
      std::this_thread::sleep_for(milliseconds{20});
    }
    return texts;
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-kills").value();
  MiniImage image_{directory_.path(), kSays};
  std::atomic<int> keys_ = 0;
  std::atomic<std::size_t> kills_ = 0;
  std::atomic<std::size_t> ran_ = 0;
  std::atomic<std::size_t> refused_ = 0;
  std::optional<GuestWatch> guests_;
};

const std::vector<std::vector<std::string>>& processes() {
  static const std::vector<std::vector<std::string>> all{
      {"frontend"}, {"orchestrator"}, {"host-1", "host-2"}, {"sm-acme"}};
  return all;
}

/// Every process after every event.
std::vector<Killing> every_step(bool keep_key) {
  std::vector<Killing> runs;
  for (const auto& event : events_of(keep_key ? "keep" : "bring")) {
    for (const auto& victims : processes()) {
      if (keep_key && victims.front() == "sm-acme") continue;  // it has no part in it
      runs.push_back({"acme", keep_key, victims, event});
    }
  }
  return runs;
}

TEST_F(Kills, AtEveryStepOfALaunchWithAKeptKey) {
  const CloudForTest cloud{{"--hosts", "2"}};
  introduce(cloud, "acme");
  const auto runs = every_step(true);
  ASSERT_EQ(runs.size(), 48U);
  go(cloud, runs);
}

TEST_F(Kills, AtEveryStepOfALaunchWithABroughtKey) {
  const CloudForTest cloud{{"--hosts", "2"}};
  introduce(cloud, "acme");
  const auto runs = every_step(false);
  ASSERT_EQ(runs.size(), 60U);
  go(cloud, runs);
}

// A security module asks a host only once: each of these has a tenant of its own.
TEST_F(Kills, WhileAHostIsEnrolledForTheFirstTime) {
  constexpr int kTenants = 8;
  Words options{"--hosts", "2"};
  std::vector<Killing> runs;
  for (int i = 0; i < kTenants; ++i) {
    const auto tenant = "tenant" + std::to_string(i);
    options.insert(options.end(), {"--tenant", tenant});
    auto victims = processes()[static_cast<std::size_t>(i) % 4];
    if (victims.front() == "sm-acme") victims = {"sm-" + tenant};
    runs.push_back({tenant, false, victims, i < kTenants / 2 ? "question_relayed" : "answer_relayed"});
  }
  const CloudForTest cloud{options};
  go(cloud, runs);
}

TEST_F(Kills, AtMomentsOfChance) {
  constexpr int kRuns = 84;
  constexpr std::uint32_t kSeed = 20250103;
  const CloudForTest cloud{{"--hosts", "2"}};
  introduce(cloud, "acme");
  std::minstd_rand random{kSeed};
  std::vector<Killing> runs;
  for (int i = 0; i < kRuns; ++i) {
    const bool keep_key = i % 2 == 0;
    const auto victims = processes()[random() % (keep_key ? 3 : 4)];
    runs.push_back({"acme", keep_key, victims, "", milliseconds{random() % 600}});
  }
  go(cloud, runs);
}

}  // namespace
}  // namespace sealift::e2e
