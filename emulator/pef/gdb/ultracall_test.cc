// SPDX-License-Identifier: Apache-2.0
/// What the trap does with a debugging port that is not QEMU's. With QEMU's it runs in tests/e2e.
#include "emulator/pef/gdb/ultracall.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
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
             "<reg name=\"srr0\" bitsize=\"64\"/><reg name=\"srr1\" bitsize=\"64\"/>"
             "<reg name=\"r6\" bitsize=\"64\"/>"
             "<reg name=\"r7\" bitsize=\"64\"/><reg name=\"r8\" bitsize=\"64\"/>"
             "<reg name=\"r9\" bitsize=\"64\"/></target>";
    if (command == "qfThreadInfo") return "m01";
    if (command == "qsThreadInfo") return "l";
    if (command == "qC") return "QC01";
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

/// All that came, up to the machine's running on.
std::vector<std::string> last_commands(StubForTest& stub) {
  auto commands = stub.commands();
  if (commands.back() != "c") commands.push_back("c");  // it may have been shut down before it read that
  return commands;
}

constexpr EsmCall kVerified{.kernel_base = 0x40'0000, .fdt_address = 0xb7'b000};
/// What one processor is made to hold, where the stub had its registers in big-endian order.
const std::vector<std::string> kOnlyTheVerified{
    "P4=8000000000001000", "P3=0000000000400000", "P0=0000000000b7b000",
    "P1=0000000000400000", "P2=0000000000000000", "P7=0000000000000000",
    "P8=0000000000000000", "P9=0000000000000000", "Pa=0000000000000000"};

TEST(UltracallTrapTest, EntersTheVerifiedKernelWithNothingLeftOfItsCaller) {
  StubForTest stub;
  {
    auto trap = UltracallTrap::set(stub.client());
    ASSERT_THAT(trap, Succeeds());
    ASSERT_THAT(trap->await_esm(soon()), Succeeds());
    ASSERT_THAT(trap->enter(kVerified), Succeeds());
  }
  auto wanted = kOnlyTheVerified;
  wanted.insert(wanted.end(), {"z1,c00,4", "c"});
  const auto commands = last_commands(stub);
  ASSERT_GE(commands.size(), wanted.size());
  EXPECT_EQ(std::vector(commands.end() - static_cast<std::ptrdiff_t>(wanted.size()), commands.end()), wanted);
}

/// A machine whose second processor is in this state.
StubForTest::Answer two_processors(const std::string& state) {
  return [state, second = false](const std::string& command) mutable -> std::optional<std::string> {
    if (command == "qfThreadInfo") second = false;
    if (command == "qsThreadInfo") return std::exchange(second, true) ? "l" : "m02";
    if (command == "qThreadExtraInfo,02") return to_hex(as_bytes(state));
    if (command == "p4") return second ? "0100000000000080" : "8000000000001000";
    return std::nullopt;
  };
}

TEST(UltracallTrapTest, LeavesNothingOfTheirsToProcessorsThatWait) {
  StubForTest stub{two_processors("CPU#1 [halted ]")};
  {
    auto trap = UltracallTrap::set(stub.client());
    ASSERT_THAT(trap, Succeeds());
    ASSERT_THAT(trap->await_esm(soon()), Succeeds());
    EXPECT_THAT(trap->expect_alone(), Succeeds());
    ASSERT_THAT(trap->enter(kVerified), Succeeds());
  }
  const auto commands = last_commands(stub);
  const auto other = std::ranges::find(commands, "Hg02");
  const auto own = std::ranges::find(commands, "Hg01");
  ASSERT_LT(other, own);
  auto wanted = kOnlyTheVerified;
  wanted.front() = "P4=0010000000000080";  // it was little-endian until then
  EXPECT_THAT(std::vector(other, own), testing::IsSupersetOf(wanted));
}

TEST(UltracallTrapTest, LetsNoOtherProcessorRunOnBesideTheVerifiedKernel) {
  for (const auto* state : {"CPU#1 [running]", " ", "[halted ] not"}) {
    StubForTest stub{two_processors(state)};
    auto trap = UltracallTrap::set(stub.client());
    ASSERT_THAT(trap, Succeeds());
    ASSERT_THAT(trap->await_esm(soon()), Succeeds());
    EXPECT_THAT(trap->expect_alone(), FailsAt(ErrorCode::malformed, "processors")) << state;
  }
}

TEST(UltracallTrapTest, RefusesAListOfProcessorsThatMakesNoSense) {
  for (const auto& [command, answer] :
       std::vector<std::pair<std::string, std::string>>{{"qfThreadInfo", "l"},
                                                        {"qfThreadInfo", "m02"},
                                                        {"qsThreadInfo", "m01"},
                                                        {"qsThreadInfo", "x"},
                                                        {"qfThreadInfo", "x"},
                                                        {"qC", "QC"},
                                                        {"qC", "Q"},
                                                        {"qC", "QC02"}}) {
    StubForTest stub{[&](const std::string& asked) -> std::optional<std::string> {
      return asked == command ? std::optional{answer} : std::nullopt;
    }};
    auto trap = UltracallTrap::set(stub.client());
    ASSERT_THAT(trap, Succeeds());
    ASSERT_THAT(trap->await_esm(soon()), Succeeds());
    EXPECT_FALSE(trap->expect_alone()) << command << " " << answer;
    EXPECT_FALSE(trap->enter(kVerified)) << command << " " << answer;
  }
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
  const auto commands = last_commands(stub);
  ASSERT_GE(commands.size(), 5U);
  EXPECT_EQ((std::vector<std::string>{commands.end() - 5, commands.end()}),
            (std::vector<std::string>{"z1,c00,4", "P0=fffffffffffffff5", "P3=0000000000001005",
                                      "P4=0000000000001006", "c"}));
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
