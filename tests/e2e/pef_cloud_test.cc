// SPDX-License-Identifier: Apache-2.0
/// pef launches through the cloud: real processes, an emulated POWER9 beside a measured host, a kernel that
/// asks for secure mode itself. Takes what guest/ppc64le makes.
#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/e2e/cloud_for_test.h"

namespace sealift::e2e {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

fs::path cache() {
  const char* const directory = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const auto base =
      directory != nullptr && *directory != '\0' ? fs::path{directory} : fs::path{home} / ".cache";
  return base / "sealift/ppc64le";
}

class PefCloud : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(cache() / "rootfs.tar") || !fs::exists(cache() / "kernel")) return;
    made_.emplace(TemporaryDirectory::create("sealift-pefcloud").value());
    cli::sealift_json({"image", "build", "--tee", "pef", "--root", (cache() / "rootfs.tar").string(),
                       "--kernel", (cache() / "kernel").string(), "--out", path("image"), "--seed",
                       path("seed")});
    cloud_.emplace(Words{"--hosts", "1", "--pef-hosts", "1"});
  }
  static void TearDownTestSuite() {
    cloud_.reset();
    made_.reset();
  }
  void SetUp() override {
    if (!made_) GTEST_SKIP() << "needs what guest/ppc64le makes in " << cache();
  }

  static std::string path(const std::string& name) { return (made_->path() / name).string(); }
  static CloudForTest::Launched launch(const std::string& image, const Words& more = {}) {
    Words words{image};
    const auto approval = cloud_->approval();
    words.insert(words.end(), approval.begin(), approval.end());
    words.insert(words.end(), more.begin(), more.end());
    return cloud_->launch(words);
  }
  /// Launches that the host's agent knows.
  static std::size_t launches_on(const std::string& host) {
    const fs::path instances{cloud_->path("agents/" + host + "/instances")};
    std::error_code none;
    const fs::directory_iterator all{instances, none};
    return none ? 0 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  static void runs_in_secure_mode(const CloudForTest::Launched& launched) {
    ASSERT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(launched.state(), "running");
    EXPECT_THAT(launched.events(), Contains(HasSubstr("secure_mode_requested")));
    EXPECT_THAT(launched.events(), Contains(HasSubstr("components_verified")));
    EXPECT_TRUE(cloud_->console_shows(launched.id(), "Switching to secure mode."));
    EXPECT_TRUE(cloud_->console_shows(launched.id(), "login:"));
    EXPECT_GT(launches_on("power-1"), 0U);
    EXPECT_EQ(launches_on("host-1"), 0U);
    EXPECT_EQ(cloud_->stop(launched.id()).value("state", ""), "ended");
  }

  static std::optional<TemporaryDirectory> made_;
  static std::optional<CloudForTest> cloud_;
};

std::optional<TemporaryDirectory> PefCloud::made_;
std::optional<CloudForTest> PefCloud::cloud_;

TEST_F(PefCloud, PicksAPefHostForAKeyThatTheCustomerKeeps) {
  runs_in_secure_mode(launch(path("image"), {"--seed", path("seed"), "--keep-key"}));
}

TEST_F(PefCloud, PicksAPefHostForAKeyThatTheCustomerBrings) {
  runs_in_secure_mode(launch(path("image"), {"--seed", path("seed")}));
}

TEST_F(PefCloud, IsNotAskedToLaunchOnFirmwareThatLeavesPefOff) {
  const auto host = Words{"dev", "host", "firmware", "default", "--dir", cloud_->path("machines")};
  const auto inputs = cli::sealift_json(host).at("inputs");
  cli::sealift_json({"policy", "predict", "--hardware-key-hash", inputs.at("hardware_key_hash"),
                     "--verification-code-hash", inputs.at("verification_code_hash"), "--secure-boot-jumper",
                     "on", "--pef", "off", "--out", path("off.log")});
  for (const auto& key : {Words{}, Words{"--keep-key"}}) {
    Words words{path("image"), "--seed",       path("seed"), "--root", cloud_->path("machines/ca/root.pem"),
                "--reference", path("off.log")};
    words.insert(words.end(), key.begin(), key.end());
    const auto refused = cloud_->launch(words);
    EXPECT_EQ(refused.exit_status, 2);
    EXPECT_EQ(refused.error.value("code", ""), "invalid_argument") << refused.error;
    EXPECT_EQ(refused.error.value("field", ""), "pef-enable");
    EXPECT_THAT(refused.events(), IsEmpty());
  }
}

}  // namespace
}  // namespace sealift::e2e
