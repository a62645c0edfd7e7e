// SPDX-License-Identifier: Apache-2.0
/// A real image from Debian's own packages (guest/fetch-debian), started in QEMU: what the guest's console
/// says.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/matchers.h"
#include "crypto/random.h"
#include "formats/esm/insertion.h"
#include "formats/esm/verify.h"
#include "guest/agent/customer_data.h"
#include "guest/image/build.h"
#include "guest/image/guest_machine_for_test.h"
#include "guest/image/image.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

fs::path cache() {
  if (const char* directory = std::getenv("XDG_CACHE_HOME")) return fs::path{directory} / "sealift/debian";
  const char* home = std::getenv("HOME");
  return fs::path{home != nullptr ? home : "/"} / ".cache/sealift/debian";
}

class Boot : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(cache() / "rootfs.tar") || !fs::exists(cache() / "linux-image.deb"))
      GTEST_SKIP() << "needs what guest/fetch-debian puts into " << cache();
    auto directory = TemporaryDirectory::create();
    ASSERT_THAT(directory, Succeeds());
    directory_.emplace(std::move(*directory));
    ASSERT_THAT(build(), Succeeds());
    ASSERT_THAT(open_operand(), Succeeds());
  }

  fs::path image() const { return directory_->path() / "image"; }
  fs::path disk() const { return image() / kRootDiskFile; }

  Result<SecretBytes> message() const { return guest::encode_customer_data(customer_data_); }

  std::optional<TemporaryDirectory> directory_;
  std::vector<guest::CustomerData> customer_data_;

 private:
  Status build() {
    NoProgress progress;
    const std::atomic<bool> cancelled{false};
    BuildRequest request;
    request.root = cache() / "rootfs.tar";
    request.kernel.package = cache() / "linux-image.deb";
    request.agent = SEALIFT_UNLOCK_AGENT;
    request.output = image();
    request.seed_file = directory_->path() / "seed";
    request.customer_data.push_back({"tls.key", SecretBytes::copy_of(as_bytes("a customer's own secret"))});
    SEALIFT_TRY(const auto manifest, build_image(std::move(request), Job{progress, cancelled}));
    return {};
  }

  /// The trusted component's part: from operand and seed to customer data.
  Status open_operand() {
    SEALIFT_TRY(const auto opened, ImageDirectory::open(image()));
    SEALIFT_TRY(auto seed_bytes, read_secret_file(directory_->path() / "seed", esm::kSeedSize));
    const esm::Seed seed{std::span<std::uint8_t, esm::kSeedSize>{seed_bytes.expose_for_writing()}};
    SEALIFT_TRY(auto verified, esm::VerifiedOperand::verify(opened.operand(), seed));
    const auto& manifest = opened.manifest();
    SEALIFT_TRY(auto approved, std::move(verified).approve({.kernel = manifest.kernel.sha512,
                                                            .initramfs = manifest.initramfs.sha512,
                                                            .cmdline = manifest.cmdline.sha512,
                                                            .rtas = std::nullopt}));
    SEALIFT_TRY(auto entries, std::move(approved).take_customer_data());
    for (auto& entry : entries) customer_data_.push_back({entry.name, std::move(entry.value)});
    return {};
  }
};

TEST_F(Boot, ReachesALoginFromTheEncryptedRootDisk) {
  auto machine = GuestMachineForTest::start(image(), disk());
  ASSERT_THAT(machine, Succeeds());
  const auto customer_data = message();
  ASSERT_THAT(customer_data, Succeeds());
  const auto answer = machine->hand_over(customer_data->expose());
  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(*answer, guest::kAccepted);
  ASSERT_THAT(machine->await_console("login:"), Succeeds());
  const auto& console = machine->console();
  EXPECT_NE(console.find("sealift: root disk opened"), std::string::npos) << console;
  EXPECT_NE(console.find("root file system /dev/mapper/root ext4"), std::string::npos) << console;
  EXPECT_NE(console.find("crypt aes-xts-plain64"), std::string::npos) << console;
  EXPECT_NE(console.find("customer data: tls.key"), std::string::npos) << console;
  EXPECT_EQ(console.find("root-disk-passphrase"), std::string::npos) << "CD1 is for the agent alone";
}

TEST_F(Boot, NeverReadsTheHeaderOnTheDiskBecauseTheHostCouldHaveChosenIt) {
  const auto file = open_file(disk(), O_RDWR);
  ASSERT_THAT(file, Succeeds());
  ASSERT_THAT(pwrite_all(file->get(), Bytes(1 << 20), 0), Succeeds());
  auto machine = GuestMachineForTest::start(image(), disk());
  ASSERT_THAT(machine, Succeeds());
  const auto customer_data = message();
  ASSERT_THAT(customer_data, Succeeds());
  ASSERT_THAT(machine->hand_over(customer_data->expose()), Succeeds());
  EXPECT_THAT(machine->await_console("sealift: root disk opened"), Succeeds());
}

TEST_F(Boot, PowersOffWithoutAShellWhereThePassphraseIsWrong) {
  auto machine = GuestMachineForTest::start(image(), disk());
  ASSERT_THAT(machine, Succeeds());
  customer_data_.front().value = SecretBytes::copy_of(as_bytes("another passphrase"));
  const auto customer_data = message();
  ASSERT_THAT(customer_data, Succeeds());
  ASSERT_THAT(machine->hand_over(customer_data->expose()), Succeeds());
  ASSERT_THAT(machine->await_end(), Succeeds());
  EXPECT_NE(machine->console().find("sealift: stopped: the root disk does not open"), std::string::npos)
      << machine->console();
}

TEST_F(Boot, RefusesAMessageThatIsNone) {
  auto machine = GuestMachineForTest::start(image(), disk());
  ASSERT_THAT(machine, Succeeds());
  const auto answer = machine->hand_over(as_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(*answer, guest::kRefused);
  ASSERT_THAT(machine->await_end(), Succeeds());
  EXPECT_NE(machine->console().find("sealift: stopped: "), std::string::npos) << machine->console();
}

}  // namespace
}  // namespace sealift::image
