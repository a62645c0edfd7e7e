// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/pef_demo.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "cli/demo/altered_image.h"
#include "cli/demo/faults.h"

namespace sealift::cli {
namespace {

constexpr const char* kHost = "power-1";
constexpr const char* kOtherHost = "power-2";
constexpr const char* kSlof = "/usr/share/qemu/slof.bin";
/// What of the guest's own words is shown.
constexpr std::array<std::string_view, 4> kWords{"secure mode", "sealift: root disk opened",
                                                 "guest: ", "login:"};

class PefDemo {
 public:
  PefDemo(Stage& stage, const DemoOptions& options) : stage_{stage}, options_{options} {}
  PefDemo(const PefDemo&) = delete;
  PefDemo& operator=(const PefDemo&) = delete;
  ~PefDemo() {
    for (const auto* host : {kHost, kOtherHost}) (void)stage_.quietly_host({"stop", host});
  }

  Status run() {
    SEALIFT_CHECK(build_image());
    SEALIFT_CHECK(start_machines());
    SEALIFT_CHECK(seal());
    SEALIFT_CHECK(launch());
    SEALIFT_CHECK(refuse_altered_guests());
    SEALIFT_CHECK(refuse_other_machines());
    return stage_.conclude();
  }

 private:
  std::string file(const std::string& name) const { return stage_.file(name); }
  std::string image(const std::string& name) const { return file("image/" + name); }

  Status build_image() {
    stage_.act("At home: build an image for POWER9, its kernel one that can ask for secure mode");
    SEALIFT_TRY(const auto built,
                stage_.run({"image", "build", "--tee", "pef", "--root", options_.root.string(), "--kernel",
                            options_.kernel.string(), "--out", file("image"), "--seed", file("seed")}));
    return {};
  }

  Status start_machines() {
    stage_.act(
        "In the cloud: two POWER9 machines with TPMs, measured firmware and an ultravisor, all emulated");
    SEALIFT_CHECK(write_directories());
    for (const auto* host : {kHost, kOtherHost}) {
      SEALIFT_TRY(const auto made, stage_.host({"create", host, "--tee", "pef"}));
      SEALIFT_TRY(const auto on, stage_.host({"boot", host}));
    }
    return {};
  }

  Status write_directories() {
    std::error_code error;
    std::filesystem::create_directories(stage_.machines(), error);
    if (!error) return {};
    errno = error.value();
    return fail_errno("make a directory for the machines");
  }

  Status seal() {
    stage_.act("At home: prove the first machine, and seal to it, in the state that its vendor publishes");
    SEALIFT_TRY(const auto vendor, stage_.host({"firmware", "default"}));
    const auto& inputs = vendor.at("inputs");
    SEALIFT_TRY(const auto predicted,
                stage_.run({"policy", "predict", "--hardware-key-hash", inputs.value("hardware_key_hash", ""),
                            "--verification-code-hash", inputs.value("verification_code_hash", ""),
                            "--secure-boot-jumper", "on", "--pef", "on", "--out", file("approved.log")}));
    SEALIFT_TRY(const auto shown, stage_.host({"evidence", kHost, "--out", file("evidence")}));
    const auto ca = stage_.machines() / "ca";
    SEALIFT_TRY(const auto asked,
                stage_.run({"enrol", "challenge", "--evidence", file("evidence"), "--root",
                            (ca / "root.pem").string(), "--intermediate", (ca / "intermediate.pem").string(),
                            "--reference", file("approved.log"), "--state", file("state"), "--out",
                            file("challenge")}));
    SEALIFT_TRY(const auto answered, stage_.host({"activate", kHost, "--challenge", file("challenge"),
                                                  "--out", file("response")}));
    SEALIFT_TRY(const auto enrolled, stage_.run({"enrol", "finish", "--state", file("state"), "--response",
                                                 file("response"), "--out", file("host")}));
    SEALIFT_TRY(const auto sealed, stage_.run({"image", "seal", file("image"), "--seed", file("seed"),
                                               "--host", file("host"), "--reference", file("approved.log")}));
    return {};
  }

  Status launch() {
    stage_.act("The guest starts as any other, executes UV_ESM, and is let into secure mode");
    bool ready = false;
    bool secure = false;
    SEALIFT_TRY(const auto last,
                stage_.follow(stage_.for_machines({"run", kHost, file("image"), "--console", "-", "--until",
                                                   "login:", "--timeout", "900"}),
                              [&](const Json& line) {
                                tell(line);
                                const auto text = line.value("console", "");
                                secure =
                                    secure || text.find("Switching to secure mode.") != std::string::npos;
                                ready = ready || line.contains("result");
                                return false;
                              }));
    if (ready && secure) return {};
    return fail(ErrorCode::guest_failed, "the guest did not come up in secure mode");
  }

  void tell(const Json& line) const {
    if (line.contains("event"))
      stage_.say(fmt::format("{:7.2f} s  {}", line.value("seconds", 0.0), line.value("event", "")));
    const auto text = line.value("console", "");
    const auto told = [&](std::string_view word) { return text.find(word) != std::string::npos; };
    if (std::ranges::any_of(kWords, told)) stage_.say("  guest │ " + text);
  }

  /// A lying host agent starts the guest with something of it changed.
  Result<Json> start(const std::string& host, const Words& changes = {}) {
    Words words{"run", host, file("image"), "--timeout", "600"};
    words.insert(words.end(), changes.begin(), changes.end());
    return stage_.host(words);
  }

  Status refuse_altered_guests() {
    stage_.act("Refused: a guest that is not the one that was sealed, found in its own memory");
    SEALIFT_TRY(const auto banner, place_of_banner(image("kernel")));
    SEALIFT_CHECK(refuse_altered_image(
        stage_, {image("kernel"), image("initramfs"), "console=hvc0 svm=on init=/bin/sh", banner},
        [this](const Words& changes) { return start(kHost, changes); }));
    SEALIFT_CHECK(copy_with_altered_rtas(kSlof, file("altered-slof")));
    SEALIFT_TRY(const auto altered, stage_.host({"boot", kHost, "--slof", file("altered-slof")}));
    stage_.expect_refusal("another RTAS", start(kHost), ErrorCode::rtas_differs, "rtas");
    return {};
  }

  Status refuse_other_machines() {
    stage_.act("Refused: another machine, and the same machine without PEF");
    stage_.expect_refusal("the other machine", start(kOtherHost), ErrorCode::no_target_for_host,
                          "sealed-data");
    SEALIFT_TRY(const auto off, stage_.host({"stop", kHost}));
    SEALIFT_TRY(const auto flashed, stage_.host({"flash", kHost, "--pef", "off"}));
    SEALIFT_TRY(const auto on, stage_.host({"boot", kHost}));
    stage_.expect_refusal("the machine with its PEF-enable bit off", start(kHost), ErrorCode::pcr_differs,
                          "pcr6.pef-enable");
    return {};
  }

  Stage& stage_;
  const DemoOptions& options_;
};

}  // namespace

Status run_pef_demo(Stage& stage, const DemoOptions& options) { return PefDemo{stage, options}.run(); }

}  // namespace sealift::cli
