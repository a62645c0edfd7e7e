// SPDX-License-Identifier: Apache-2.0
/// SEV launches through the cloud: real processes, real AmdSev OVMF, Debian's own kernel, emulated PSPs.
/// Takes what guest/fetch-debian and guest/firmware/build-amdsev make.
#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/e2e/cloud_for_test.h"

namespace sealift::e2e {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Not;

fs::path cache() {
  if (const char* directory = std::getenv("XDG_CACHE_HOME")) return fs::path{directory} / "sealift";
  const char* home = std::getenv("HOME");
  return fs::path{home != nullptr ? home : "/"} / ".cache/sealift";
}

class SevCloud : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(cache() / "debian/rootfs.tar") || !fs::exists(cache() / "firmware/amdsev.fd")) return;
    made_.emplace(TemporaryDirectory::create("sealift-sevcloud").value());
    cli::sealift_json({"image", "build", "--tee", "sev", "--root", (cache() / "debian/rootfs.tar").string(),
                       "--kernel", (cache() / "debian/linux-image.deb").string(), "--out", path("image"),
                       "--owner", path("owner")});
    cloud_.emplace(Words{"--tee", "sev"});
  }
  static void TearDownTestSuite() {
    cloud_.reset();
    made_.reset();
  }
  void SetUp() override {
    if (!made_) GTEST_SKIP() << "needs guest/fetch-debian and guest/firmware/build-amdsev in " << cache();
  }

  static std::string path(const std::string& name) { return (made_->path() / name).string(); }
  static std::string sev(const std::string& member) {
    return cloud_->description().at("sev").value(member, "");
  }
  static CloudForTest::Launched launch(const Words& more = {},
                                       const std::string& firmware = sev("firmware")) {
    Words words{path("image"), "--owner", path("owner"), "--firmware", firmware};
    if (std::ranges::find(more, "--trust-ark") == more.end())
      words.insert(words.end(), {"--trust-ark", sev("ark")});
    words.insert(words.end(), more.begin(), more.end());
    return cloud_->launch(words);
  }
  static void runs_to_its_login(const CloudForTest::Launched& launched) {
    ASSERT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(launched.state(), "running");
    EXPECT_TRUE(cloud_->console_shows(launched.id(), "login:"));
    EXPECT_EQ(cloud_->stop(launched.id()).value("state", ""), "ended");
  }
  /// A file like `original` with one byte another.
  static std::string altered(const fs::path& original, std::size_t place) {
    auto bytes = read_file(original, 1UL << 30U).value();
    bytes.at(place) ^= 1U;
    auto to = path("altered");
    EXPECT_TRUE(write_file(to, bytes));
    return to;
  }

  static std::optional<TemporaryDirectory> made_;
  static std::optional<CloudForTest> cloud_;
};

std::optional<TemporaryDirectory> SevCloud::made_;
std::optional<CloudForTest> SevCloud::cloud_;

TEST_F(SevCloud, LaunchesWithAKeyThatTheCustomerKeeps) {
  const auto launched = launch({"--keep-key"});
  EXPECT_THAT(launched.events(),
              ElementsAreArray({"318 provisioning_requested", "322 service_confirmed",
                                "324 instance_requested", "325 target_selected", "326 evidence_asked",
                                "328 evidence_received", "330 enrolment_asked", "1029 session_relayed",
                                "340 image_fetched", "1051 guest_loaded", "1057 measurement_relayed",
                                "1059 launch_secret_received", "1091 dispatched", "1093 guest_started"}));
  runs_to_its_login(launched);
}

TEST_F(SevCloud, LaunchesWithAKeyThatTheCustomerBrings) {
  const auto launched = launch();
  EXPECT_THAT(launched.events(), Contains("1059 launch_secret_received"));
  runs_to_its_login(launched);
  const auto id = cli::sealift_json({"image", "show", path("image")}).value("image_id", "");
  runs_to_its_login(cloud_->launch({id}));  // image and launch secret are there
}

TEST_F(SevCloud, LaunchesUnderAPolicyFileAndRefusesWhatItDoesNotAllow) {
  const auto policy = [](const std::string& lines, const std::string& terms) {
    const auto file = path("policy.toml");
    EXPECT_TRUE(
        write_file(file, as_bytes("format = \"sealift-policy-v1\"\ntees = [\"sev\"]\n" + lines +
                                  "\n[sev]\npolicy = [\"NODBG\", \"NOKS\"]\nroots = [\"" + sev("ark") +
                                  "\"]\nfirmware = \"" + sev("firmware") + "\"\n" + terms)));
    return cloud_->launch({path("image"), "--owner", path("owner"), "--policy", file});
  };
  // The security module has the image's secret under one policy alone.
  const auto id = cli::sealift_json({"image", "show", path("image")}).value("image_id", "");
  const auto forget = [&] { (void)cli::sealift(cloud_->words({"seed", "delete", id})); };
  forget();
  runs_to_its_login(policy({}, "minimum_api = \"0.24\"\n"));
  forget();
  const auto other_chip = policy("hardware_keys = [\"" + std::string(64, 'a') + "\"]", {});
  EXPECT_EQ(other_chip.error.value("field", ""), "policy.hardware_keys") << other_chip.error;
  forget();
  const auto too_late = policy("not_after = 2020-01-01T00:00:00Z", {});
  EXPECT_EQ(too_late.error.value("field", ""), "policy.not_after") << too_late.error;
  forget();
  const auto too_old = policy({}, "minimum_api = \"200.0\"\n");
  EXPECT_EQ(too_old.error.value("code", ""), "sev_api_too_old") << too_old.error;
  forget();
}

TEST_F(SevCloud, MeasuresTheRegistersOfEachProcessorUnderAPolicyWithEs) {
  runs_to_its_login(launch({"--keep-key", "--sev-policy", "7", "--cpus", "2"}));
  const auto refused = launch({"--keep-key", "--sev-policy", "7", "--sev-cpu", "EPYC-Milan"});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("code", ""), "launch_measurement_differs") << refused.error;
}

TEST_F(SevCloud, EndsALaunchOfOtherFirmwareAndSaysSo) {
  const auto other = altered(sev("firmware"), 4096);
  const auto refused = launch({"--keep-key", "--other-firmware", sev("firmware")}, other);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("code", ""), "launch_measurement_differs") << refused.error;
  EXPECT_EQ(refused.error.value("field", ""), "firmware");
  EXPECT_THAT(refused.events(), Contains("1051 guest_loaded"));
  EXPECT_THAT(refused.events(), Not(Contains("325 target_given_up")));
  EXPECT_THAT(refused.events(), Not(Contains("1093 guest_started")));
}

TEST_F(SevCloud, HasNoHostUnderAmdsOwnRoots) {
  const auto refused = launch({"--keep-key", "--trust-ark", std::string(64, 'a')});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("code", ""), "issuer_untrusted") << refused.error;
  EXPECT_THAT(refused.events(), Contains("325 target_given_up"));
  EXPECT_THAT(refused.events(), Not(Contains("1029 session_relayed")));
}

TEST_F(SevCloud, HasNoHostWithFirmwareThatIsNewEnough) {
  const auto refused = launch({"--keep-key", "--minimum-api", "200.0"});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("code", ""), "sev_api_too_old") << refused.error;
}

TEST_F(SevCloud, ShowsWhatItsHostsAre) {
  auto words = Words{"hosts"};
  const auto as_operator = cloud_->as_operator();
  words.insert(words.end(), as_operator.begin(), as_operator.end());
  const auto hosts = cli::sealift_json(words).at("hosts");
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].value("tee", ""), "sev");
  EXPECT_THAT(hosts[0].value("firmware", ""), testing::StartsWith("SEV API "));
}

/// What an operator asks before an agent is started.
TEST_F(SevCloud, HasHostsWhoseCheckFindsNothingMissing) {
  const Words words{"host",
                    "check",
                    "--tee",
                    "sev",
                    "--qemu",
                    SEALIFT_EMULATED_SEV_QEMU,
                    "--emulated-psp",
                    cloud_->path("psp/sev-1"),
                    "--sev-firmware",
                    sev("firmware"),
                    "--sev-key-server"};
  const auto check = [&](const std::string& key_server, const std::string& root) {
    auto all = words;
    all.insert(all.end(), {key_server, "--trust-ark", root, "--json"});
    return cli::sealift(all);
  };
  const auto good = check(cloud_->path("psp/maker"), sev("ark"));
  EXPECT_EQ(good.exit_status, 0) << good.out;
  EXPECT_TRUE(Json::parse(good.out).at("ready"));
  const auto bad = check(cloud_->path("psp/maker"), std::string(64, 'a'));
  EXPECT_EQ(bad.exit_status, 3);
  EXPECT_EQ(Json::parse(bad.err).at("error").value("field", ""), "certificates");
  const auto empty = check(path("owner"), sev("ark"));
  EXPECT_EQ(Json::parse(empty.err).at("error").value("field", ""), "certificates");
}

}  // namespace
}  // namespace sealift::e2e
