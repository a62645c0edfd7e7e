// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/demo.h"

#include <fmt/core.h>

#include "cli/demo/faults.h"
#include "cli/demo/stage.h"

namespace sealift::cli {
namespace {

/// What the guest prints when its userland, from the encrypted disk, is ready for a login.
constexpr const char* kReady = "login:";

class Demo {
 public:
  Demo(Stage& stage, const DemoOptions& options) : stage_{stage}, options_{options} {}

  Status run() {
    SEALIFT_CHECK(build_image());
    SEALIFT_CHECK(make_machines());
    SEALIFT_CHECK(approve());
    SEALIFT_CHECK(enrol());
    SEALIFT_CHECK(seal());
    SEALIFT_CHECK(boot_guest());
    SEALIFT_CHECK(refuse_altered_images());
    SEALIFT_CHECK(refuse_other_machines());
    SEALIFT_CHECK(refuse_software_key());
    stage_.summary();
    if (stage_.all_as_expected()) return {};
    return fail(ErrorCode::internal, "a verdict was not the expected one");
  }

 private:
  std::string file(const std::string& name) const { return stage_.path(name).string(); }
  std::string image(const std::string& name) const { return file("image/" + name); }

  Status build_image() {
    stage_.act("At home: build an image with an encrypted root disk");
    SEALIFT_TRY(const auto built,
                stage_.run({"image", "build", "--root", options_.root.string(), "--kernel",
                            options_.kernel.string(), "--out", file("image"), "--seed", file("seed")}));
    stage_.say("The seed stays at home; the image may lie anywhere.");
    return {};
  }

  Status make_machines() {
    stage_.act("In the cloud: two machines, each with a TPM of its own and verified, measured firmware");
    SEALIFT_TRY(const auto alpha, stage_.host({"create", "alpha", "--storage-key", "rsa2048"}));
    SEALIFT_TRY(const auto beta, stage_.host({"create", "beta"}));
    for (const auto* name : {"alpha", "beta"}) {
      SEALIFT_TRY(const auto booted, stage_.host({"boot", name}));
    }
    return {};
  }

  /// The firmware vendor publishes what its firmware measures; a host is never asked for that.
  Status approve() {
    stage_.act("At home: approve a firmware, from what its vendor publishes");
    SEALIFT_TRY(const auto published,
                stage_.quietly({"dev", "host", "firmware", "default", "--dir", stage_.machines().string()}));
    const auto& inputs = published.at("inputs");
    SEALIFT_TRY(const auto predicted,
                stage_.run({"policy", "predict", "--hardware-key-hash", inputs.at("hardware_key_hash"),
                            "--verification-code-hash", inputs.at("verification_code_hash"),
                            "--secure-boot-jumper", "on", "--pef", "on", "--out", file("approved.log")}));
    stage_.say(fmt::format("PCR 6 must be {}", predicted.at("pcrs").at("sha256").at("6").get<std::string>()));
    return {};
  }

  Result<Json> challenge(const std::string& evidence, const std::string& name) {
    return stage_.run({"enrol", "challenge", "--evidence", evidence, "--root",
                       (stage_.machines() / "ca" / "root.pem").string(), "--intermediate",
                       (stage_.machines() / "ca" / "intermediate.pem").string(), "--reference",
                       file("approved.log"), "--state", file(name + ".state"), "--out",
                       file(name + ".challenge")});
  }

  Status enrol() {
    stage_.act("At home: enrol machine alpha. Its TPM is genuine, and the storage key lives in it");
    SEALIFT_TRY(const auto shown, stage_.host({"evidence", "alpha", "--out", file("alpha.evidence")}));
    SEALIFT_TRY(const auto asked, challenge(file("alpha.evidence"), "alpha"));
    SEALIFT_TRY(const auto answered, stage_.host({"activate", "alpha", "--challenge", file("alpha.challenge"),
                                                  "--out", file("alpha.response")}));
    SEALIFT_TRY(const auto enrolled,
                stage_.run({"enrol", "finish", "--state", file("alpha.state"), "--response",
                            file("alpha.response"), "--out", file("alpha.host")}));
    return {};
  }

  Status seal() {
    stage_.act("At home: seal the image to alpha in the approved state");
    SEALIFT_TRY(const auto sealed,
                stage_.run({"image", "seal", file("image"), "--seed", file("seed"), "--host",
                            file("alpha.host"), "--reference", file("approved.log")}));
    return {};
  }

  /// Runs the image on a machine; all of these must be refused before a guest is started.
  Result<Json> launch(const std::string& machine, const Words& changes = {}) {
    Words words{"run", machine, file("image"), "--timeout", "60"};
    words.insert(words.end(), changes.begin(), changes.end());
    return stage_.host(words);
  }

  Status boot_guest() {
    stage_.act("In the cloud: alpha opens the seal and starts the VM, which takes a while under emulation");
    bool ready = false;
    const auto ended = stage_.follow(
        {"run", "alpha", file("image"), "--until", kReady, "--timeout", "180", "--console", "-"},
        [&](const Json& line) { ready = narrate(line) || ready; });
    if (!ended) return tl::unexpected(ended.error());
    if (ready) return {};
    return fail(ErrorCode::guest_failed, "the guest's console does not show a login");
  }

  /// Shows an event, or what the guest itself says of where it runs from; true where it is ready.
  bool narrate(const Json& line) {
    if (line.contains("event")) {
      stage_.say(fmt::format("{:7.2f} s  {}", line.value("seconds", 0.0), line.value("event", "")));
    }
    const auto text = line.value("console", "");
    const bool ready = text.find(kReady) != std::string::npos;
    if (ready || text.find("sealift:") != std::string::npos || text.find("guest:") != std::string::npos) {
      stage_.say("  guest │ " + text);
    }
    return ready;
  }

  Status refuse_altered_images() {
    stage_.act("Refused: an image that is not the one that was sealed");
    SEALIFT_CHECK(copy_with_flipped_bit(image("kernel"), file("altered-kernel"), -100));
    stage_.expect_refusal("one bit of the kernel", launch("alpha", {"--kernel", file("altered-kernel")}),
                          ErrorCode::kernel_differs, "kernel");

    SEALIFT_CHECK(copy_with_flipped_bit(image("initramfs"), file("altered-initramfs"), -1000));
    stage_.expect_refusal("one bit of the initramfs",
                          launch("alpha", {"--initramfs", file("altered-initramfs")}),
                          ErrorCode::initramfs_differs, "initramfs");

    stage_.expect_refusal("another command line",
                          launch("alpha", {"--cmdline", "console=ttyS0 init=/bin/sh"}),
                          ErrorCode::cmdline_differs, "cmdline");

    SEALIFT_CHECK(copy_with_edited_customer_data(image("initramfs"), file("edited-initramfs")));
    stage_.expect_refusal("edited customer data", launch("alpha", {"--initramfs", file("edited-initramfs")}),
                          ErrorCode::hmac_differs, "hmac");

    SEALIFT_CHECK(copy_without_operand(image("initramfs"), file("bare-initramfs")));
    stage_.expect_refusal("no operand", launch("alpha", {"--initramfs", file("bare-initramfs")}),
                          ErrorCode::operand_missing, "");
    return {};
  }

  Status refuse_other_machines() {
    stage_.act("Refused: another machine, and the same machine with other firmware");
    stage_.expect_refusal("machine beta", launch("beta"), ErrorCode::no_target_for_host, "sealed-data");

    SEALIFT_TRY(const auto off, stage_.host({"stop", "alpha"}));
    SEALIFT_TRY(const auto flashed, stage_.host({"flash", "alpha", "--firmware", "next"}));
    SEALIFT_TRY(const auto on, stage_.host({"boot", "alpha"}));
    stage_.expect_refusal("alpha with other verification code", launch("alpha"), ErrorCode::pcr_differs,
                          "pcr6.verification-code-hash");

    SEALIFT_TRY(const auto off_again, stage_.host({"stop", "alpha"}));
    SEALIFT_TRY(const auto restored, stage_.host({"flash", "alpha", "--firmware", "default"}));
    SEALIFT_TRY(const auto tampered, stage_.host({"tamper", "alpha", "--component", "opal", "--payload"}));
    stage_.expect_refusal("alpha with an altered OPAL", stage_.host({"boot", "alpha"}),
                          ErrorCode::firmware_signature_invalid, "opal");
    return {};
  }

  Status refuse_software_key() {
    stage_.act("Refused: a storage key that is no TPM's");
    SEALIFT_CHECK(copy_with_software_key(file("alpha.evidence"), file("forged.evidence")));
    SEALIFT_TRY(const auto flashed, stage_.host({"flash", "alpha", "--firmware", "default"}));
    SEALIFT_TRY(const auto on, stage_.host({"boot", "alpha"}));
    SEALIFT_TRY(const auto asked, challenge(file("forged.evidence"), "forged"));
    stage_.expect_refusal("alpha's TPM does not answer for it",
                          stage_.host({"activate", "alpha", "--challenge", file("forged.challenge"), "--out",
                                       file("forged.response")}),
                          ErrorCode::challenge_response_differs, "");
    stage_.expect_refusal("another challenge's answer does not fit",
                          stage_.run({"enrol", "finish", "--state", file("forged.state"), "--response",
                                      file("alpha.response"), "--out", file("forged.host")}),
                          ErrorCode::challenge_response_differs, "");
    return {};
  }

  Stage& stage_;
  const DemoOptions& options_;
};

}  // namespace

Status run_demo(const DemoOptions& options) {
  const auto voice =
      options.json ? Stage::Voice::json : (options.colour ? Stage::Voice::coloured : Stage::Voice::plain);
  SEALIFT_TRY(auto stage, Stage::create(options.program, voice));
  return Demo{stage, options}.run();
}

}  // namespace sealift::cli
