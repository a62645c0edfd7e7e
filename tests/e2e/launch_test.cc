// SPDX-License-Identifier: Apache-2.0
/// A guest that really boots from its encrypted disk, what is left of its secrets, and how it ends.
#include <fcntl.h>
#include <signal.h>
#include <string.h>  // memmem
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "crypto/kdf.h"
#include "formats/esm/verify.h"
#include "services/ultravisor/api/messages.h"
#include "tests/e2e/chain_for_test.h"

namespace sealift::e2e {
namespace {

/// Every secret of the image, derived here from the seed.
std::vector<Bytes> secrets(const Chain& chain) {
  auto seed_bytes = read_file(chain.path("seed"), 32).value();
  std::vector<Bytes> all{seed_bytes};
  const auto operand = chain.operand();
  for (const auto& [info, size] :
       {std::pair{"sealift esm v1 hmac", 64U}, std::pair{"sealift esm v1 encryption", 32U}}) {
    const auto key = crypto::hkdf(crypto::HashAlgorithm::sha512, seed_bytes, operand.image_id().view(),
                                  as_bytes(info), size);
    all.push_back(to_bytes(key.expose()));
  }
  const esm::Seed seed{std::span<std::uint8_t, 32>{seed_bytes}};
  auto verified = esm::VerifiedOperand::verify(operand, seed).value();
  const auto& expected = verified.integrity();
  const esm::Measured measured{expected.kernel, expected.initrd, expected.bootargs, {}};
  const auto customer_data = std::move(verified).approve(measured).value().take_customer_data().value();
  for (const auto& data : customer_data) {
    all.push_back(to_bytes(data.value.expose()));
  }
  return all;
}

bool holds(ByteView haystack, ByteView needle) {
  return ::memmem(haystack.data(), haystack.size(), needle.data(), needle.size()) != nullptr;
}

bool holds_any(ByteView haystack, const std::vector<Bytes>& secrets) {
  return std::ranges::any_of(secrets, [&](const Bytes& secret) {
    return holds(haystack, secret) || holds(haystack, as_bytes(to_hex(secret)));
  });
}

pid_t ultravisor_of(const Chain& chain, const std::string& machine) {
  std::ifstream file{chain.path("machines/" + machine + "/ultravisor.pid")};
  pid_t pid = -1;
  file >> pid;
  return pid;
}

/// Readable memory of a process, region by region.
std::vector<Bytes> memory_of(pid_t pid) {
  std::vector<Bytes> regions;
  std::ifstream maps{"/proc/" + std::to_string(pid) + "/maps"};
  const auto memory = open_file("/proc/" + std::to_string(pid) + "/mem", O_RDONLY).value();
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    char dash = 0;
    std::string permissions;
    std::istringstream{line} >> std::hex >> start >> dash >> end >> permissions;
    if (permissions.empty() || permissions[0] != 'r' || line.find("[v") != std::string::npos) continue;
    Bytes region(end - start);
    if (pread_exact(memory.get(), region, start)) regions.push_back(std::move(region));
  }
  return regions;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/" + std::to_string(parent) + "/task"}) {
    std::ifstream file{task.path() / "children"};
    for (pid_t pid = 0; file >> pid;) children.push_back(pid);
  }
  return children;
}

std::string status_line(pid_t pid, const std::string& name) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return line;
  }
  return {};
}

bool ends_soon(pid_t pid) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (::kill(pid, 0) == 0 && status_line(pid, "State").find('Z') == std::string::npos) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

/// A launch in the background, its events read line by line.
class Background {
 public:
  Background(const Chain& chain, const std::string& machine, const Words& changes = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    events_ = UniqueFd{ends[0]};
    const UniqueFd write{ends[1]};
    auto words = Chain::launch(machine, changes);
    words.insert(words.begin(), {"dev", "host"});
    words.insert(words.end(), {"--dir", chain.path("machines"), "--json"});
    auto command = cli::sealift_command(words);
    command.stdout_fd = write.get();
    command.environment = {"TMPDIR=" +
                           chain.directory().string()};  // what a killed one leaves behind goes with it
    child_ = spawn(command).value();
  }
  /// Reads events until this one; false where they end before.
  bool wait_for(const std::string& event) {
    std::string line;
    char c = 0;
    while (::read(events_.get(), &c, 1) == 1) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (Json::parse(line).value("event", "") == event) return true;
      line.clear();
    }
    return false;
  }
  Child& process() { return child_; }

 private:
  UniqueFd events_;
  Child child_{-1};
};

class Launch : public testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new std::string{chain().sealed_machine()}; }
  static void TearDownTestSuite() {
    chain().host({"stop", *machine_});
    delete machine_;
  }
  static Chain& chain() { return Chain::get(); }
  static const std::string& machine() { return *machine_; }
  static ultravisor::Reply ask(ultravisor::Request request) {
    const auto socket =
        ultravisor::connect_to(chain().path("machines/" + machine() + "/ultravisor.sock")).value();
    EXPECT_TRUE(ultravisor::send_message(socket.get(), ultravisor::write_request(std::move(request))));
    return ultravisor::read_reply(ultravisor::receive_message(socket.get())->text).value();
  }
  static std::string* machine_;
};
std::string* Launch::machine_ = nullptr;

TEST_F(Launch, ReachesALoginOnTheEncryptedDisk) {
  auto words = Chain::launch(machine(), {"--until", "login:", "--console", chain().path("console")});
  words.insert(words.begin(), {"dev", "host"});
  words.insert(words.end(), {"--dir", chain().path("machines"), "--json"});
  const auto output = cli::sealift(words);
  EXPECT_EQ(output.exit_status, 0) << output.err;
  EXPECT_NE(output.out.find("\"result\":\"reached\""), std::string::npos) << output.out;
  const std::string console{as_text(read_file(chain().path("console"), 1U << 20U).value())};
  EXPECT_NE(console.find("root file system /dev/mapper/root ext4"), std::string::npos) << console;
  EXPECT_NE(console.find("customer data: token"), std::string::npos) << console;
  EXPECT_NE(console.find("login:"), std::string::npos);
}

TEST_F(Launch, LeavesNoSecretInAnyFileNorInTheUltravisor) {
  Background guest{chain(), machine()};
  ASSERT_TRUE(guest.wait_for("customer_data_delivered"));
  const auto known = secrets(chain());
  ASSERT_EQ(known.size(), 5U) << "seed, two keys, CD1, CD2";
  ASSERT_TRUE(holds_any(read_file(chain().path("seed"), 32).value(), known))
      << "the search finds what is there";

  const auto pid = ultravisor_of(chain(), machine());
  if (::geteuid() == 0) {
    const auto regions = memory_of(pid);
    ASSERT_GT(regions.size(), 10U);
    for (const auto& region : regions) EXPECT_FALSE(holds_any(region, known)) << "in the ultravisor's memory";
  }
  const auto qemu = children_of(pid);
  ASSERT_EQ(qemu.size(), 1U);
  if (::geteuid() == 0) {
    EXPECT_EQ(status_line(qemu[0], "Uid").find("Uid:\t0"), std::string::npos);
    EXPECT_NE(std::filesystem::read_symlink("/proc/" + std::to_string(qemu[0]) + "/ns/net"),
              std::filesystem::read_symlink("/proc/self/ns/net"));
  }
  EXPECT_EQ(status_line(qemu[0], "Seccomp:"), "Seccomp:\t2");
  guest.process().signal(SIGINT);
  EXPECT_NE(*guest.process().wait(), 0);
  EXPECT_TRUE(ends_soon(qemu[0]));

  int looked_at = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{chain().directory()}) {
    if (!entry.is_regular_file() || entry.path() == chain().path("seed")) continue;
    if (entry.path().parent_path() == chain().directory() &&
        entry.path().filename().string().starts_with("file")) {
      continue;  // the customer's own inputs
    }
    const auto bytes = read_file(entry.path(), 1U << 30U).value();
    EXPECT_FALSE(holds_any(bytes, known)) << entry.path();
    ++looked_at;
  }
  EXPECT_GT(looked_at, 20);
}

TEST_F(Launch, OutlivesItsAskerAndEndsWhenItIsTold) {
  Background guest{chain(), machine()};
  ASSERT_TRUE(guest.wait_for("guest_started"));
  const auto qemu = children_of(ultravisor_of(chain(), machine()));
  ASSERT_EQ(qemu.size(), 1U);
  guest.process().signal(SIGKILL);
  ASSERT_TRUE(guest.process().wait());
  const auto running = std::get<ultravisor::Guests>(ask(ultravisor::ListRequest{}));
  ASSERT_EQ(running.ids.size(), 1U);
  EXPECT_EQ(::kill(qemu[0], 0), 0);
  EXPECT_TRUE(std::holds_alternative<ultravisor::Stopped>(ask(ultravisor::StopRequest{running.ids[0]})));
  EXPECT_TRUE(ends_soon(qemu[0]));
  EXPECT_EQ(std::get<Error>(ask(ultravisor::StopRequest{"nobody"})).code, ErrorCode::not_found);
}

// What the ultravisor keeps of the image is for the image, not for what is offered in its place.
TEST_F(Launch, OfAnAlteredImageIsRefusedWhereTheRealOneRan) {
  const auto start = [&] {
    Background guest{chain(), machine()};
    EXPECT_TRUE(guest.wait_for("guest_started"));
    guest.process().signal(SIGINT);
    EXPECT_TRUE(guest.process().wait());
  };
  start();
  for (const std::string name : {"kernel", "initramfs"}) {
    auto altered = read_file(chain().image(name), 256U << 20U).value();
    altered.back() ^= 1;
    const auto error = chain().host_error(Chain::launch(machine(), {"--" + name, chain().file(altered)}));
    EXPECT_EQ(error.value("code", ""), name + "_differs") << error;
  }
  start();
}

TEST_F(Launch, EndsWithItsUltravisorAndWorksAgainAfterTheNextBoot) {
  {
    Background guest{chain(), machine()};
    ASSERT_TRUE(guest.wait_for("guest_started"));
    const auto pid = ultravisor_of(chain(), machine());
    const auto qemu = children_of(pid);
    ASSERT_EQ(qemu.size(), 1U);
    ::kill(pid, SIGKILL);
    EXPECT_TRUE(ends_soon(qemu[0]));
    EXPECT_NE(*guest.process().wait(), 0);
  }
  chain().host({"boot", machine()});
  Background again{chain(), machine()};
  EXPECT_TRUE(again.wait_for("guest_started"));
  again.process().signal(SIGINT);
  EXPECT_TRUE(again.process().wait());
}

TEST(Sealing, WritesOnceAndSyncsOnce) {
  auto& chain = Chain::get();
  const auto machine = chain.sealed_machine();
  chain.host({"stop", machine});
  auto command =
      cli::sealift_command({"image", "seal", chain.image(), "--seed", chain.path("seed"), "--host",
                            chain.path(machine + ".host"), "--reference", chain.path("approved.log")});
  command.argv.insert(
      command.argv.begin(),
      {"strace", "-f", "-y", "-e", "trace=write,pwrite64,writev,fsync,fdatasync", "-o", chain.path("trace")});
  const auto traced = run(command);
  if (!traced && traced.error().code == ErrorCode::dependency_missing)
    GTEST_SKIP() << "strace is not installed";
  ASSERT_EQ(traced->exit_status, 0) << traced->err;
  const std::string trace{as_text(read_file(chain.path("trace"), 1U << 20U).value())};
  if (trace.find("initramfs") == std::string::npos) GTEST_SKIP() << "strace may not trace here: " << trace;
  std::istringstream lines{trace};
  int writes = 0;
  int syncs = 0;
  std::uint64_t bytes = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("/initramfs>") == std::string::npos) continue;
    syncs += line.find("sync(") != std::string::npos ? 1 : 0;
    if (line.find("write") == std::string::npos) continue;
    ++writes;
    bytes += std::stoull(line.substr(line.rfind('=') + 1));
  }
  EXPECT_EQ(writes, 1) << trace;
  EXPECT_EQ(syncs, 1) << trace;
  EXPECT_LE(bytes, 64U * 1024);
  EXPECT_GT(bytes, 0U);
}

}  // namespace
}  // namespace sealift::e2e
