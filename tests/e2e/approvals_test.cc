// SPDX-License-Identifier: Apache-2.0
/// A machine that is bound to an approver, through an update and an attempt to go back, as its owner and its
/// customer type it. The image is sealed once.
#include "crypto/key.h"
#include "tests/e2e/chain_for_test.h"
#include "tests/e2e/mini_image_for_test.h"

namespace sealift::e2e {
namespace {

class Approvals : public testing::Test {
 protected:
  Approvals() {
    std::filesystem::create_directory(path("machines"));
    const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
    const auto pem = key.pem();
    EXPECT_TRUE(write_file(path("approver.key"), pem.expose(), 0600));
    EXPECT_TRUE(write_file(path("approver.pem"), as_bytes(key.public_key().pem())));
    host({"create", "alpha", "--ek", "p256", "--approver", path("approver.pem")});
  }
  ~Approvals() override { host({"destroy", "alpha"}); }

  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string approvals(const std::string& name) const { return path("machines/alpha/approvals/") + name; }
  Json host(Words words) const {
    words.insert(words.begin(), {"dev", "host"});
    words.insert(words.end(), {"--dir", path("machines")});
    return cli::sealift_json(std::move(words));
  }
  /// What the vendor publishes of the firmware, signed and brought to the machine.
  void approve(const std::string& firmware, int version) const {
    const auto vendor = host({"firmware", firmware});
    const auto& inputs = vendor.at("inputs");
    cli::sealift_json({"policy", "predict", "--hardware-key-hash", inputs.at("hardware_key_hash"),
                       "--verification-code-hash", inputs.at("verification_code_hash"),
                       "--secure-boot-jumper", "on", "--pef", "on", "--out", path(firmware)});
    cli::sealift_json({"policy", "approve", "--key", path("approver.key"), "--name", firmware, "--version",
                       std::to_string(version), "--reference", path(firmware), "--out",
                       approvals(firmware + ".approval")});
  }
  void start(const std::string& firmware) const {
    host({"stop", "alpha"});
    host({"flash", "alpha", "--firmware", firmware});
    host({"boot", "alpha"});
  }
  Words challenge(const std::string& approver) const {
    return {"enrol",          "challenge",
            "--evidence",     path("evidence"),
            "--root",         path("machines/ca/root.pem"),
            "--intermediate", path("machines/ca/intermediate.pem"),
            "--approver",     approver,
            "--state",        path("state"),
            "--out",          path("challenge")};
  }
  void seal(const MiniImage& image) const {
    host({"evidence", "alpha", "--out", path("evidence")});
    cli::sealift_json(challenge(path("approver.pem")));
    host({"activate", "alpha", "--challenge", path("challenge"), "--out", path("answer")});
    cli::sealift_json({"enrol", "finish", "--state", path("state"), "--response", path("answer"), "--out",
                       path("alpha.host")});
    cli::sealift_json(
        {"image", "seal", image.directory(), "--seed", image.seed_file(), "--host", path("alpha.host")});
  }
  Output run(const MiniImage& image) const {
    return cli::sealift({"dev", "host", "run", "alpha", image.directory(), "--until", "hello", "--timeout",
                         "120", "--dir", path("machines"), "--json"});
  }
  void expect_runs(const MiniImage& image) const {
    const auto ran = run(image);
    EXPECT_EQ(ran.exit_status, 0) << ran.err;
  }
  void expect_refused(const MiniImage& image, const std::string& code, const std::string& field) const {
    const auto ran = run(image);
    EXPECT_EQ(ran.exit_status, 1) << ran.err;
    const auto error = Json::parse(ran.err, nullptr, false)["error"];
    EXPECT_EQ(error.value("code", ""), code) << error;
    EXPECT_EQ(error.value("field", ""), field) << error;
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-approvals").value();
};

TEST_F(Approvals, CarryAnImageThroughAnUpdateAndNotBack) {
  const MiniImage image{directory_.path() / "mini"};
  approve("default", 1);
  host({"boot", "alpha"});
  seal(image);
  const auto sealed = read_file(image.directory() + "/initramfs", 1U << 20U).value();
  expect_runs(image);

  start("next");
  expect_refused(image, "pcr_differs", "pcr6.verification-code-hash");
  approve("next", 2);
  expect_runs(image);

  cli::sealift_json({"policy", "withdraw", "--key", path("approver.key"), "--below", "2", "--out",
                     approvals("2.withdrawal")});
  expect_runs(image);
  start("default");
  expect_refused(image, "failed_precondition", "version");
  std::filesystem::remove(approvals("2.withdrawal"));
  expect_refused(image, "failed_precondition", "version");
  start("next");
  expect_runs(image);
  EXPECT_EQ(read_file(image.directory() + "/initramfs", 1U << 20U).value(), sealed);
}

TEST_F(Approvals, OfAnotherKeyAreWorthNothing) {
  host({"boot", "alpha"});
  host({"evidence", "alpha", "--out", path("evidence")});
  const auto other = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  ASSERT_TRUE(write_file(path("other.pem"), as_bytes(other.public_key().pem())));
  EXPECT_EQ(cli::sealift_error(challenge(path("other.pem")), 1)["code"], "storage_key_policy_differs");
}

}  // namespace
}  // namespace sealift::e2e
