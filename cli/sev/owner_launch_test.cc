// SPDX-License-Identifier: Apache-2.0
/// A real image from Debian's own packages, real AmdSev OVMF and an emulated PSP: one launch, and what its
/// owner refuses. Boots, so it takes what guest/fetch-debian and guest/firmware/build-amdsev make.
#include "cli/sev/owner_launch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>

#include "base/matchers.h"
#include "emulator/psp/identity.h"
#include "guest/image/build.h"
#include "guest/image/image.h"
#include "tee/sev/ovmf.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

fs::path cache() {
  if (const char* directory = std::getenv("XDG_CACHE_HOME")) return fs::path{directory} / "sealift";
  const char* home = std::getenv("HOME");
  return fs::path{home != nullptr ? home : "/"} / ".cache/sealift";
}

class AnOwnersLaunch : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(cache() / "debian/rootfs.tar") || !fs::exists(cache() / "firmware/amdsev.fd")) return;
    made_.emplace(TemporaryDirectory::create("sevlaunch").value());
    ASSERT_THAT(emulator::Maker::create(path("maker"), {.bits = 2048, .claim_id = {}}), Succeeds());
    const auto maker = emulator::Maker::open(path("maker")).value();
    ASSERT_THAT(emulator::Identity::create(maker, path("chip")), Succeeds());
    ASSERT_THAT(build(), Succeeds());
  }
  static void TearDownTestSuite() { made_.reset(); }
  void SetUp() override {
    if (!made_) GTEST_SKIP() << "needs guest/fetch-debian and guest/firmware/build-amdsev in " << cache();
  }

  static fs::path path(const std::string& name) { return made_->path() / name; }
  static Status build() {
    NoProgress progress;
    const std::atomic<bool> cancelled{false};
    image::BuildRequest request;
    request.root = cache() / "debian/rootfs.tar";
    request.kernel.package = cache() / "debian/linux-image.deb";
    request.agent = SEALIFT_UNLOCK_AGENT;
    request.tee = image::kSev;
    request.output = path("image");
    request.owner = path("owner");
    request.customer_data.push_back({"tls.key", SecretBytes::copy_of(as_bytes("a customer's own secret"))});
    SEALIFT_TRY(const auto manifest, image::build_image(std::move(request), image::Job{progress, cancelled}));
    return {};
  }

  static OwnerSide owner() {
    const auto maker = emulator::Maker::open(path("maker")).value();
    return {.owner = image::read_owner(path("owner")).value(),
            .firmware = read_file(cache() / "firmware/amdsev.fd", sev::kFirmwareLimit).value(),
            .key_server = path("maker"),
            .roots = {{"Test", maker.ark().fingerprint()}},
            .policy = sev::Policy{3}};
  }
  HostSide host() const {
    return {.host = {.qemu = SEALIFT_EMULATED_SEV_QEMU,
                     .environment = {"SEALIFT_EMULATED_PSP=" + path("chip").string()}},
            .image = path("image"),
            .firmware = cache() / "firmware/amdsev.fd",
            .memory_mib = 512,
            .console = writing_.get(),
            .lies = {}};
  }
  Result<OwnerLaunch> launch(const OwnerSide& owner, const HostSide& host) {
    return launch_sev(owner, host,
                      [this](std::string_view step, std::string_view) { steps_.emplace_back(step); });
  }
  Result<OwnerLaunch> launch_with(const HostLies& lies) {
    auto side = host();
    side.lies = lies;
    return launch(owner(), side);
  }

  /// What the console says until `text` is on it, or the guest ended.
  std::string console_until(const std::string& text) {
    writing_.reset();
    std::string all;
    const auto deadline = std::chrono::steady_clock::now() + 10min;
    while (all.find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline) {
      std::array<char, 4096> buffer{};
      pollfd ready{.fd = reading_.get(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 1000) <= 0) continue;
      const auto size = read(reading_.get(), buffer.data(), buffer.size());
      if (size <= 0) break;
      all.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return all;
  }

  AnOwnersLaunch() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reading_ = UniqueFd{ends[0]};
    writing_ = UniqueFd{ends[1]};
  }

  static std::optional<TemporaryDirectory> made_;
  UniqueFd reading_;
  UniqueFd writing_;
  std::vector<std::string> steps_;
};

std::optional<TemporaryDirectory> AnOwnersLaunch::made_;

TEST_F(AnOwnersLaunch, BootsFromTheEncryptedDiskWithTheInjectedKey) {
  const auto launched = launch(owner(), host());
  ASSERT_THAT(launched, Succeeds());
  EXPECT_THAT(steps_, testing::ElementsAre("1025", "1029", "1059", "1091", "1093"));
  const auto console = console_until("login:");
  EXPECT_NE(console.find("sealift: root disk opened"), std::string::npos) << console;
  EXPECT_NE(console.find("crypt aes-xts-plain64"), std::string::npos) << console;
  EXPECT_NE(console.find("customer data: tls.key"), std::string::npos) << console;
  EXPECT_NE(console.find("login:"), std::string::npos) << console;
}

TEST_F(AnOwnersLaunch, InjectsNothingWhereSomethingElseWasLoaded) {
  auto firmware = owner().firmware;
  firmware[100] ^= 1;
  ASSERT_THAT(write_file(path("altered-firmware"), firmware), Succeeds());
  auto kernel = read_file(path("image/kernel"), 1U << 28U).value();
  kernel[kernel.size() - 100] ^= 1;
  ASSERT_THAT(write_file(path("altered-kernel"), kernel), Succeeds());
  for (const auto& lies :
       {HostLies{.firmware = path("altered-firmware")}, HostLies{.kernel = path("altered-kernel")},
        HostLies{.initramfs = path("altered-kernel")}, HostLies{.cmdline = "console=ttyS0 init=/bin/sh"},
        HostLies{.measurement = Bytes(48, 1)}}) {
    steps_.clear();
    EXPECT_THAT(launch_with(lies), FailsAt(ErrorCode::launch_measurement_differs, "measurement.hmac"));
    EXPECT_THAT(steps_, testing::ElementsAre("1025", "1029"));
  }
}

TEST_F(AnOwnersLaunch, RefusesPoliciesUnderWhichTheHostReadsTheGuest) {
  auto side = owner();
  side.policy = sev::Policy{2};
  EXPECT_THAT(launch(side, host()), FailsAt(ErrorCode::sev_policy_refused, "policy.NODBG"));
  EXPECT_THAT(launch_with({.policy = 2}), FailsAt(ErrorCode::authentication_failed, "LAUNCH_START"));
}

TEST_F(AnOwnersLaunch, SeesASecretThatWasAlteredOnItsWayRefused) {
  EXPECT_THAT(launch_with({.alters_packet = true}),
              FailsAt(ErrorCode::authentication_failed, "LAUNCH_SECRET"));
}

TEST_F(AnOwnersLaunch, TrustsAmdsRootsAloneWhereNoOtherIsNamed) {
  auto side = owner();
  side.roots = sev::amd_roots();
  EXPECT_THAT(launch(side, host()), FailsAt(ErrorCode::issuer_untrusted, "ark.key"));
  side = owner();
  side.key_server = path("nowhere");
  EXPECT_THAT(launch(side, host()), FailsAt(ErrorCode::not_found, "ark.cert"));
}

}  // namespace
}  // namespace sealift::cli
