// SPDX-License-Identifier: Apache-2.0
/// A pef image through the real processes: built, sealed to an emulated POWER9, let into secure mode there,
/// booted from its encrypted disk; and refused once the machine's PEF-enable bit is off. What else must be
/// refused is tried in emulator/pef, on the same library.
#include <gtest/gtest.h>

#include "cli/tool_for_test.h"

namespace sealift::e2e {
namespace {

using cli::Json;
using Words = std::vector<std::string>;

class Pef : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(cached("rootfs.tar")) || !std::filesystem::exists(cached("kernel")))
      GTEST_SKIP() << "needs what guest/ppc64le makes";
    std::filesystem::create_directory(path("machines"));
    cli::sealift_json({"image", "build", "--tee", "pef", "--root", cached("rootfs.tar"), "--kernel",
                       cached("kernel"), "--out", path("image"), "--seed", path("seed")});
    host({"create", "power", "--tee", "pef"});
    host({"boot", "power"});
    seal();
  }
  void TearDown() override {
    if (std::filesystem::exists(path("machines/power"))) host({"stop", "power"});
  }

  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  static std::string cached(const std::string& name) {
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    const char* const home = std::getenv("HOME");
    const auto base = cache != nullptr && *cache != '\0' ? std::string{cache} : std::string{home} + "/.cache";
    return base + "/sealift/ppc64le/" + name;
  }
  Words in_machines(Words words) const {
    words.insert(words.begin(), {"dev", "host"});
    words.insert(words.end(), {"--dir", path("machines")});
    return words;
  }
  Json host(Words words) const { return cli::sealift_json(in_machines(std::move(words))); }

  void seal() const {
    const auto vendor = host({"firmware", "default"});
    const auto& inputs = vendor.at("inputs");
    cli::sealift_json({"policy", "predict", "--hardware-key-hash", inputs.at("hardware_key_hash"),
                       "--verification-code-hash", inputs.at("verification_code_hash"),
                       "--secure-boot-jumper", "on", "--pef", "on", "--out", path("approved.log")});
    host({"evidence", "power", "--out", path("evidence")});
    cli::sealift_json({"enrol", "challenge", "--evidence", path("evidence"), "--root",
                       path("machines/ca/root.pem"), "--intermediate", path("machines/ca/intermediate.pem"),
                       "--reference", path("approved.log"), "--state", path("state"), "--out",
                       path("challenge")});
    host({"activate", "power", "--challenge", path("challenge"), "--out", path("response")});
    cli::sealift_json(
        {"enrol", "finish", "--state", path("state"), "--response", path("response"), "--out", path("host")});
    cli::sealift_json({"image", "seal", path("image"), "--seed", path("seed"), "--host", path("host"),
                       "--reference", path("approved.log")});
  }
  Words run(const Words& more = {}) const {
    Words words{"run", "power", path("image"), "--timeout", "500"};
    words.insert(words.end(), more.begin(), more.end());
    return in_machines(words);
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-pef").value();
};

TEST_F(Pef, ComesUpInSecureModeOnlyOnAMachineThatHasIt) {
  auto words = run({"--console", path("console"), "--until", "login:", "--json"});
  auto command = cli::sealift_command(words);
  const auto output = sealift::run(command).value();
  const auto console = std::string{as_text(read_file(path("console"), 1U << 20U).value())};
  ASSERT_EQ(output.exit_status, 0) << output.err << console;
  EXPECT_NE(output.out.find("secure_mode_requested"), std::string::npos);
  EXPECT_NE(console.find("Switching to secure mode."), std::string::npos) << console;
  EXPECT_NE(console.find("sealift: root disk opened"), std::string::npos) << console;

  host({"stop", "power"});
  host({"flash", "power", "--pef", "off"});
  host({"boot", "power"});
  const auto error = cli::sealift_error(run(), 1);
  EXPECT_EQ(error.value("code", ""), "pcr_differs") << error;
  EXPECT_EQ(error.value("field", ""), "pcr6.pef-enable") << error;
}

}  // namespace
}  // namespace sealift::e2e
