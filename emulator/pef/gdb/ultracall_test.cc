// SPDX-License-Identifier: Apache-2.0
/// What the trap does with a debugging port that is not QEMU's. With QEMU's it runs in tests/e2e.
#include "emulator/pef/gdb/ultracall.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/matchers.h"

namespace sealift::pef {
namespace {

/// A machine stopped at an ultracall, as its port would show it.
class StubForTest {
 public:
  using Answer = std::function<std::optional<std::string>(const std::string& command)>;
  /// `answer` may give another answer than the honest one.
  explicit StubForTest(Answer answer = {}) : answer_{std::move(answer)} {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    theirs_ = UniqueFd{ends[0]};
    mine_ = UniqueFd{ends[1]};
    thread_ = std::jthread{[this] { serve(); }};
  }
  StubForTest(const StubForTest&) = delete;
  StubForTest& operator=(const StubForTest&) = delete;
  ~StubForTest() { ::shutdown(mine_.get(), SHUT_RDWR); }
  GdbClient client() { return GdbClient{std::move(theirs_)}; }
  /// Ends the conversation; the commands that came.
  std::vector<std::string> commands() {
    ::shutdown(mine_.get(), SHUT_RDWR);
    thread_.join();
    return commands_;
  }

 private:
  void serve() {
    PacketReader reader;
    Bytes buffer(4096);
    for (ssize_t got = 0; (got = ::read(mine_.get(), buffer.data(), buffer.size())) > 0;) {
      if (!reader.feed(ByteView{buffer}.first(static_cast<std::size_t>(got)))) return;
      for (auto packet = reader.next(); packet && *packet; packet = reader.next()) {
        commands_.push_back(**packet);
        const auto other = answer_ ? answer_(**packet) : std::nullopt;
        const auto text = frame_packet(other ? *other : honest(**packet));
        if (::send(mine_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
      }
    }
  }
  static std::string honest(const std::string& command) {
    if (command.starts_with("qXfer"))
      return "l<target><reg name=\"r3\" bitsize=\"64\"/><reg name=\"r4\" bitsize=\"64\"/>"
             "<reg name=\"r5\" bitsize=\"64\"/><reg name=\"pc\" bitsize=\"64\"/><reg name=\"msr\" "
             "bitsize=\"64\"/>"
             "<reg name=\"srr0\" bitsize=\"64\"/><reg name=\"srr1\" bitsize=\"64\"/></target>";
    if (command == "c") return "T05thread:01;";
    if (command == "p0") return "000000000000f110";
    if (command.starts_with("p")) return "000000000000100" + command.substr(1);
    return command.starts_with("q") ? "PacketSize=1000" : "OK";
  }
  Answer answer_;
  UniqueFd theirs_;
  UniqueFd mine_;
  std::vector<std::string> commands_;
  std::jthread thread_;
};

GdbClient::Clock::time_point soon() { return GdbClient::Clock::now() + std::chrono::seconds{60}; }

Result<EsmCall> await(StubForTest& stub) {
  SEALIFT_TRY(auto trap, UltracallTrap::set(stub.client()));
  return trap.await_esm(soon());
}

TEST(UltracallTrapTest, ReadsTheArgumentsAndReturnsWithTheMachineStateLast) {
  StubForTest stub;
  {
    auto trap = UltracallTrap::set(stub.client());
    ASSERT_THAT(trap, Succeeds());
    const auto call = trap->await_esm(soon());
    ASSERT_THAT(call, Succeeds());
    EXPECT_EQ(call->kernel_base, 0x1001U);
    EXPECT_EQ(call->fdt_address, 0x1002U);
    ASSERT_THAT(trap->answer(UltracallCode::permission), Succeeds());
  }
  auto commands = stub.commands();
  ASSERT_GE(commands.size(), 5U);
  commands.erase(commands.begin(), commands.end() - 5);
  if (commands.back() != "c") commands.push_back("c");  // it may have been shut down before it read that
  commands.erase(commands.begin(), std::ranges::find(commands, "z1,c00,4"));
  EXPECT_EQ(commands[0], "z1,c00,4");
  EXPECT_EQ(commands[1], "P0=fffffffffffffff5");
  EXPECT_EQ(commands[2], "P3=0000000000001005");
  EXPECT_EQ(commands[3], "P4=0000000000001006");
}

TEST(UltracallTrapTest, TakesRegistersInTheOrderInWhichThePortHasThem) {
  StubForTest stub{[](const std::string& command) -> std::optional<std::string> {
    if (command == "p0") return "10f1000000000000";
    if (command == "p1") return "0000400000000000";
    return std::nullopt;
  }};
  const auto call = await(stub);
  ASSERT_THAT(call, Succeeds());
  EXPECT_EQ(call->kernel_base, 0x40'0000U);
}

TEST(UltracallTrapTest, SaysThatAGuestDidNotAsk) {
  StubForTest stub{[](const std::string& command) -> std::optional<std::string> {
    return command == "p0" ? std::optional<std::string>{"0000000000000005"} : std::nullopt;
  }};
  EXPECT_THAT(await(stub), FailsAt(ErrorCode::guest_failed, "guest"));
}

TEST(UltracallTrapTest, RefusesWhateverElseThePortSays) {
  for (const auto& [command, answer] : std::vector<std::pair<std::string, std::string>>{
           {"qSupported:xmlRegisters=powerpc", "E01"},
           {"qXfer", "l<target/>"},
           {"qXfer", "l<target><reg name=\"r3\" bitsize=\"32\"/></target>"},
           {"qXfer", "x"},
           {"qXfer", "m"},
           {"Z1", ""},
           {"Z1", "maybe"},
           {"c", "X09"},
           {"c", "W00"},
           {"c", ""},
           {"p0", "E01"},
           {"p0", "f110"},
           {"p1", "00000000000000"},
           {"p2", "xxxxxxxxxxxxxxxx"}}) {
    StubForTest stub{[&](const std::string& asked) -> std::optional<std::string> {
      return asked.starts_with(command) ? std::optional{answer} : std::nullopt;
    }};
    EXPECT_FALSE(await(stub)) << command << " " << answer;
  }
}

TEST(UltracallTrapTest, EndsWhereADocumentNeverDoes) {
  StubForTest stub{[](const std::string& command) -> std::optional<std::string> {
    return command.starts_with("qXfer") ? std::optional{"m" + std::string(3000, ' ')} : std::nullopt;
  }};
  EXPECT_THAT(await(stub), FailsWith(ErrorCode::malformed));
}

TEST(UltracallTrapTest, NoticesThatTheMachineIsGone) {
  StubForTest stub;
  auto trap = UltracallTrap::set(stub.client());
  ASSERT_THAT(trap, Succeeds());
  stub.commands();
  EXPECT_THAT(trap->await_esm(soon()), FailsWith(ErrorCode::guest_failed));
}

}  // namespace
}  // namespace sealift::pef
