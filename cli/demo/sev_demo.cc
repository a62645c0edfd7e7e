// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/sev_demo.h"

#include <fmt/core.h>

#include "cli/demo/faults.h"
#include "cli/demo/stage.h"
#include "cli/programs.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReady = "login:";
constexpr const char* kTimeout = "900";
/// Of AMD's ARK for Milan: a name that everybody can write into a certificate.
constexpr const char* kAmdKeyId = "94c38e4177d0479292a7ae671d083fb6";
/// So much of an ARK was once published for Naples.
constexpr std::size_t kTruncatedArk = 576;
constexpr std::size_t kCertificateLimit = 1U << 16U;

class SevDemo {
 public:
  SevDemo(Stage& stage, const DemoOptions& options) : stage_{stage}, options_{options} {}

  Status run() {
    SEALIFT_CHECK(build_image());
    SEALIFT_CHECK(make_machine());
    SEALIFT_CHECK(launch());
    SEALIFT_CHECK(refuse_machines());
    SEALIFT_CHECK(refuse_policies());
    SEALIFT_CHECK(refuse_other_launches());
    return stage_.conclude();
  }

 private:
  std::string file(const std::string& name) const { return stage_.file(name); }

  Status build_image() {
    stage_.act("At home: build an image whose disk key comes as the launch secret");
    SEALIFT_TRY(const auto built,
                stage_.run({"image", "build", "--tee", "sev", "--root", options_.root.string(), "--kernel",
                            options_.kernel.string(), "--out", file("image"), "--owner", file("owner")}));
    stage_.say("Disk key and the expected digests stay at home; the image may lie anywhere.");
    return {};
  }

  struct Made {
    std::string root;  ///< the ARK's fingerprint
    std::string id;    ///< the chip's
  };
  /// A maker NAME and a chip NAME-chip of it.
  Result<Made> make(const std::string& name, const Words& more) {
    Words words{"psp-maker", file(name)};
    words.insert(words.end(), more.begin(), more.end());
    SEALIFT_TRY(const auto maker, stage_.host(words));
    SEALIFT_TRY(const auto chip, stage_.host({"psp-chip", file(name + "-chip"), "--maker", file(name)}));
    return Made{maker.value("ark_fingerprint", ""), chip.value("id", "")};
  }

  Status make_machine() {
    stage_.act("In the cloud: a machine with an AMD PSP, emulated, under a test root");
    SEALIFT_TRY(made_, make("maker", {}));
    SEALIFT_TRY(const auto qemu, find_program("sealift-emulated-sev-qemu"));
    qemu_ = qemu.string();
    return {};
  }

  struct Attempt {
    std::string chip = "maker-chip";
    std::string key_server = "maker";
    std::string root{};  ///< "": AMD's own
    Words more{};
  };
  Words words_for(const Attempt& attempt) const {
    Words words{"dev",
                "sev",
                file("image"),
                "--owner",
                file("owner"),
                "--firmware",
                options_.firmware.string(),
                "--key-server",
                file(attempt.key_server),
                "--qemu",
                qemu_,
                "--emulated-psp",
                file(attempt.chip),
                "--timeout",
                kTimeout};
    if (!attempt.root.empty()) words.insert(words.end(), {"--trust-ark", attempt.root});
    words.insert(words.end(), attempt.more.begin(), attempt.more.end());
    return words;
  }

  Status launch() {
    stage_.act("Launch: prove the PSP, verify what was loaded, inject the disk key, let it boot");
    const auto words = words_for({.root = made_.root, .more = {"--until", kReady, "--console", "-"}});
    SEALIFT_TRY(const auto last, stage_.follow(words, [&](const Json& line) {
      if (line.contains("step")) {
        stage_.say(fmt::format("{:7.2f} s  {:>4}  {}", line.value("seconds", 0.0), line.value("step", ""),
                               line.value("event", "")));
      }
      const auto console = line.value("console", "");
      if (console.starts_with("sealift: ") || console.starts_with("guest: ")) {
        stage_.say("  guest │ " + console);
      }
      return false;
    }));
    measurement_ = last.value("measurement", "");
    stage_.say("  guest │ " + last.value("matched", ""));
    return {};
  }

  void refuse(const std::string& title, const Attempt& attempt, ErrorCode code, const std::string& field) {
    stage_.expect_refusal(title, stage_.follow(words_for(attempt), [](const Json&) { return false; }), code,
                          field);
  }
  void refuse_lie(const std::string& title, const std::string& lie, ErrorCode code,
                  const std::string& field) {
    refuse(title, {.root = made_.root, .more = {"--lie", lie}}, code, field);
  }

  /// Another key server's directory: of the maker, with one file from elsewhere.
  Status copy_key_server(const std::string& maker, const std::string& to) const {
    std::error_code error;
    fs::create_directory(file(to), error);
    for (const auto* name : {"ark.cert", "ask.cert", "cek"}) {
      fs::copy(stage_.path(maker) / name, stage_.path(to) / name, fs::copy_options::recursive, error);
      if (error) return fail(ErrorCode::io_error, "copy the key server's files: " + error.message());
    }
    return {};
  }

  Status refuse_machines() {
    stage_.act("Refused: machines that are not what they say");
    SEALIFT_TRY(const auto forged, make("forger", {"--small-keys", "--claim-id", kAmdKeyId}));
    refuse("a forged chain with AMD's key ID", {.chip = "forger-chip", .key_server = "forger"},
           ErrorCode::issuer_untrusted, "ark.key");

    SEALIFT_TRY(const auto other, make("other-generation", {"--small-keys"}));
    SEALIFT_CHECK(copy_key_server("other-generation", "mixed"));
    const auto cek = "/cek/" + made_.id;
    SEALIFT_TRY(const auto bytes, read_file(file("maker" + cek), kCertificateLimit));
    SEALIFT_CHECK(write_file(file("mixed" + cek), bytes));
    refuse("a CEK of another generation", {.key_server = "mixed", .root = other.root},
           ErrorCode::certificate_signature_invalid, "cek.signature");

    SEALIFT_CHECK(copy_key_server("maker", "truncated"));
    SEALIFT_TRY(auto ark, read_file(file("maker/ark.cert"), kCertificateLimit));
    ark.resize(kTruncatedArk);
    SEALIFT_CHECK(write_file(file("truncated/ark.cert"), ark));
    refuse("a truncated ARK", {.key_server = "truncated", .root = made_.root}, ErrorCode::truncated,
           "ark.size");
    return {};
  }

  Status refuse_policies() {
    stage_.act("Refused: a guest that its host could debug");
    refuse("a policy without NODBG", {.root = made_.root, .more = {"--policy", "2"}},
           ErrorCode::sev_policy_refused, "policy.NODBG");
    refuse_lie("a host that starts it under another policy than agreed", "policy=2",
               ErrorCode::authentication_failed, "LAUNCH_START");
    return {};
  }

  Status refuse_other_launches() {
    stage_.act("Refused: a launch of something else; the disk key is never injected");
    const auto differs = ErrorCode::launch_measurement_differs;
    SEALIFT_CHECK(copy_with_flipped_bit(options_.firmware, file("altered-firmware"), 100));
    refuse_lie("altered firmware", "firmware=" + file("altered-firmware"), differs, "measurement.hmac");
    SEALIFT_CHECK(copy_with_flipped_bit(file("image/kernel"), file("altered-kernel"), -100));
    refuse_lie("an altered kernel", "kernel=" + file("altered-kernel"), differs, "measurement.hmac");
    refuse_lie("another command line", "cmdline=console=ttyS0 init=/bin/sh", differs, "measurement.hmac");
    refuse_lie("the measurement of the launch before", "measurement=" + measurement_, differs,
               "measurement.hmac");
    refuse_lie("a secret altered on its way", "packet=altered", ErrorCode::authentication_failed,
               "LAUNCH_SECRET");
    return {};
  }

  Stage& stage_;
  const DemoOptions& options_;
  Made made_;
  std::string qemu_;
  std::string measurement_;
};

}  // namespace

Status run_sev_demo(const DemoOptions& options) {
  const auto voice =
      options.json ? Stage::Voice::json : (options.colour ? Stage::Voice::coloured : Stage::Voice::plain);
  SEALIFT_TRY(auto stage, Stage::create(options.program, voice));
  return SevDemo{stage, options}.run();
}

}  // namespace sealift::cli
