// SPDX-License-Identifier: Apache-2.0
/// docs/operate.md, followed literally; then the cloud that stands is put to use.
#include <fmt/core.h>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "tests/operate/installation.h"
#include "tests/operate/page.h"

namespace sealift::operate {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::vector<Block> page() {
  const auto bytes = read_file(SEALIFT_SOURCE_DIR "/docs/operate.md", 1U << 20U).value();
  return shell_blocks(std::string{as_text(bytes)});
}

class Operate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    obstacle_ = Installation::obstacle();
    if (!obstacle_.empty()) return;
    auto started = Installation::start();
    ASSERT_TRUE(started) << started.error().message << " " << started.error().detail;
    world_ = *std::move(started);
    for (const auto& block : page()) {
      for (const auto& machine : block.machines) type(block, machine);
      if (testing::Test::HasFatalFailure()) return;
      if (block.text.find("./launch") != std::string::npos) stop_guests();
    }
    stands_ = true;
  }
  static void TearDownTestSuite() { world_.reset(); }

  void SetUp() override {
    if (!obstacle_.empty()) GTEST_SKIP() << obstacle_;
    ASSERT_TRUE(stands_) << "the page cannot be followed";
  }

  static void type(const Block& block, const std::string& machine) {
    const auto typed = world_->type(machine, block.text);
    ASSERT_TRUE(typed) << typed.error().message;
    if (typed->exit_status == 0) return;
    for (const auto* each : {"one", "two", "host-1"}) {
      const auto log = world_->type(each, "journalctl --no-pager --lines=30 -u 'sealift-*'");
      if (log) std::cout << each << ":\n" << log->out;
    }
    FAIL() << "docs/operate.md:" << block.line << " on " << machine << ": status " << typed->exit_status
           << "\n"
           << typed->out << typed->err;
  }

  static std::string on(const std::string& machine, const std::string& text) {
    const auto typed = world_->type(machine, text);
    EXPECT_TRUE(typed);
    if (!typed) return {};
    EXPECT_EQ(typed->exit_status, 0) << machine << ": " << text << "\n" << typed->out << typed->err;
    return typed->out;
  }
  static Json launches() {
    return Json::parse(on("office", "sealift ps --all --cloud customer/cloud.json --json")).at("launches");
  }
  static void stop_guests() {
    for (const auto& launch : launches()) {
      if (launch.value("state", "") == "running") {
        on("office",
           fmt::format("sealift stop {} --cloud customer/cloud.json", launch.value("launch_id", "")));
      }
    }
  }
  static std::string state_of(const std::string& id) {
    for (const auto& launch : launches()) {
      if (launch.value("launch_id", "") == id) return launch.value("state", "");
    }
    return {};
  }
  template <typename Condition>
  static bool eventually(const Condition& condition, seconds limit = seconds{240}) {
    const auto until = steady_clock::now() + limit;
    while (!condition()) {
      if (steady_clock::now() > until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    return true;
  }

  static std::string obstacle_;
  static std::unique_ptr<Installation> world_;
  static bool stands_;
};

std::string Operate::obstacle_;
std::unique_ptr<Installation> Operate::world_;
bool Operate::stands_ = false;

TEST(OperatorsPage, SaysOfEveryBlockWhereItIsTyped) {
  const auto blocks = page();
  EXPECT_GT(blocks.size(), 10U);
  for (const auto& block : blocks) {
    EXPECT_FALSE(block.machines.empty()) << "docs/operate.md:" << block.line;
    for (const auto& machine : block.machines) {
      EXPECT_THAT(machine, testing::AnyOf("office", "one", "two", "host-1"))
          << "docs/operate.md:" << block.line;
    }
  }
}

TEST_F(Operate, HasLaunchedWithBothKeyModelsBeforeAndAfterAMachineDied) {
  std::map<std::string, int> models;
  for (const auto& launch : launches()) ++models[launch.value("key_model", "")];
  EXPECT_EQ(models["keep"], 2);
  EXPECT_EQ(models["bring"], 2);
}

TEST_F(Operate, RunsItsServicesInSandboxes) {
  for (const auto* unit : {"sealift-frontend", "sealift-orchestrator", "sealift-sm"}) {
    on("two", fmt::format("systemd-analyze security --no-pager --threshold=20 {}", unit));
  }
  on("host-1", "systemd-analyze security --no-pager --threshold=30 sealift-agent");
  EXPECT_EQ(on("two", "systemctl show --value --property=NRestarts sealift-frontend sealift-sm"), "0\n\n0\n");
}

TEST_F(Operate, KeepsPasswordsFromWhoListsProcesses) {
  const auto listed = on("two", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
  EXPECT_THAT(listed, testing::HasSubstr("sealift-frontend"));
  EXPECT_THAT(listed, testing::Not(testing::HasSubstr(on("office", "cat cloud-password"))));
}

/// `./launch --json` while it runs: its events, line by line.
class Launching {
 public:
  explicit Launching(const Installation& world) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    output_ = UniqueFd{ends[0]};
    const UniqueFd writing{ends[1]};
    child_ = world.begin("exec ./launch --json", writing.get()).value();
  }
  /// Its id, once it has come to `event`; "" where it does not.
  std::string await(const std::string& event) {
    std::string id;
    for (std::string line = next(); !line.empty(); line = next()) {
      const auto document = Json::parse(line, nullptr, false);
      if (!document.is_object() || document.value("event", "") != event) continue;
      return document.value("launch_id", "");
    }
    return id;
  }
  /// The exit status, at its end.
  int end() {
    while (!next().empty()) continue;
    return child_->wait().value();
  }

 private:
  std::string next() {
    std::string line;
    for (char c = 0; ::read(output_.get(), &c, 1) == 1;) {
      if (c == '\n') return line;
      line += c;
    }
    return line;
  }
  UniqueFd output_;
  std::optional<Child> child_;
};

// The design's offline boot. The ultravisor is held until the host's only wire is unplugged: it opens the
// seal, verifies, starts the guest and hands over the passphrase with nobody to ask.
TEST_F(Operate, BootsAGuestWhoseHostHasNoNetworkFromTheDispatchOn) {
  constexpr const char* kUltravisor = "read -r pid _ </var/lib/sealift/machines/host-1/ultravisor.pid; ";
  on("host-1", std::string{kUltravisor} + "kill -STOP $pid");
  Launching launching{*world_};
  const auto id = launching.await("image_fetched");
  ASSERT_NE(id, "");
  ASSERT_TRUE(world_->machine("host-1").plug(false));
  EXPECT_THAT(on("host-1", "ip -brief link show eth0"), testing::HasSubstr("DOWN"));
  EXPECT_EQ(on("host-1", "pgrep --count qemu-system || true"), "0\n");
  on("host-1", std::string{kUltravisor} + "kill -CONT $pid");

  const auto console = fmt::format("/var/lib/sealift/agent/instances/{}", id);
  const bool booted = eventually(
      [&] { return world_->type("host-1", "grep -rqs 'login:' " + console + "*").value().exit_status == 0; });
  EXPECT_TRUE(booted) << on("host-1",
                            "ls -R /var/lib/sealift/agent | head -50; tail " + console + "* || true");
  EXPECT_THAT(on("host-1", "ip -brief link show eth0"), testing::HasSubstr("DOWN"));

  // QEMU would have had no network with the wire in either.
  const auto qemu = on("host-1",
                       "pid=$(pgrep qemu-system); readlink /proc/$pid/ns/net /proc/1/ns/net\n"
                       "nsenter --target $pid --net ip -brief link\n"
                       "tr '\\0' '\\n' </proc/$pid/cmdline");
  std::istringstream lines{qemu};
  std::string of_qemu;
  std::string of_host;
  std::string link;
  std::getline(lines, of_qemu);
  std::getline(lines, of_host);
  std::getline(lines, link);
  EXPECT_NE(of_qemu, of_host);
  EXPECT_THAT(link, testing::ContainsRegex("^lo +DOWN"));
  std::string next;
  std::getline(lines, next);
  EXPECT_THAT(next, testing::HasSubstr("qemu-system"));  // no second link
  EXPECT_THAT(qemu, testing::HasSubstr("-nodefaults\n"));
  for (const auto* word : {"-net", "-nic", "virtio-net"}) {
    EXPECT_THAT(qemu, testing::Not(testing::HasSubstr(word)));
  }

  // With the wire in again, the cloud learns of it.
  ASSERT_TRUE(world_->machine("host-1").plug(true));
  EXPECT_EQ(launching.end(), 0);
  EXPECT_TRUE(eventually([&] { return state_of(id) == "running"; }));
  on("office", fmt::format("sealift stop {} --cloud customer/cloud.json", id));
  EXPECT_TRUE(eventually([&] { return state_of(id) == "ended"; }));
}

}  // namespace
}  // namespace sealift::operate
