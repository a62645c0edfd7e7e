// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/demo.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/demo/altered_image.h"
#include "cli/demo/faults.h"
#include "cli/demo/pef_demo.h"
#include "cli/demo/stage.h"
#include "cli/reference_log.h"

namespace sealift::cli {
namespace {

/// What the guest prints when its userland, from the encrypted disk, is ready for a login.
constexpr const char* kReady = "login:";
constexpr const char* kHost = "host-1";
constexpr const char* kOtherHost = "host-2";
constexpr std::size_t kMaxHead = 1U << 20U;
constexpr std::size_t kMaxInitramfs = 256U << 20U;

class Demo {
 public:
  Demo(Stage& stage, const DemoOptions& options) : stage_{stage}, options_{options} {}

  Status run() {
    SEALIFT_CHECK(build_image());
    SEALIFT_CHECK(start_cloud());
    SEALIFT_CHECK(launch_with_a_kept_key());
    SEALIFT_CHECK(launch_with_a_brought_key());
    SEALIFT_CHECK(refuse_in_the_cloud());
    SEALIFT_CHECK(refuse_altered_images());
    SEALIFT_CHECK(refuse_other_machines());
    SEALIFT_CHECK(refuse_software_key());
    return stage_.conclude();
  }

 private:
  std::string file(const std::string& name) const { return stage_.file(name); }
  std::string image(const std::string& name) const { return file("image/" + name); }

  Status build_image() {
    stage_.act("At home: build an image with an encrypted root disk");
    SEALIFT_TRY(const auto built,
                stage_.run({"image", "build", "--root", options_.root.string(), "--kernel",
                            options_.kernel.string(), "--out", file("image"), "--seed", file("seed")}));
    image_id_ = built.value("image_id", "");
    stage_.say("The seed stays at home; the image may lie anywhere.");
    return {};
  }

  Status start_cloud() {
    stage_.act(
        "In the cloud: front end, orchestrator, security module, two hosts with TPMs and measured firmware");
    SEALIFT_TRY(cloud_, stage_.start_cloud());
    stage_.say(
        fmt::format("Front end at {}, hosts {} and {}.", cloud_.value("frontend", ""), kHost, kOtherHost));
    return {};
  }

  Words as_customer(Words words) const {
    words.insert(words.end(), {"--cloud", file("cloud/acme.json")});
    return words;
  }
  /// What the customer trusts: the maker's root, and the firmware that its vendor publishes. No host is
  /// asked.
  Words approval() const {
    return {"--root",      cloud_.value("root", ""),     "--intermediate", cloud_.value("intermediate", ""),
            "--reference", cloud_.value("reference", "")};
  }

  /// Shows the life of a launch as it goes on; its id once it runs.
  Result<std::string> launch(Words words) {
    words.insert(words.begin(), "launch");
    words.emplace_back("--yes");
    std::string id;
    std::int64_t begun_ms = 0;
    SEALIFT_TRY(const auto last, stage_.follow(as_customer(std::move(words)), [&](const Json& line) {
      if (!line.contains("event")) return false;
      if (id.empty()) begun_ms = line.value("time_ms", std::int64_t{0});
      id = line.value("launch_id", "");
      const auto seconds = static_cast<double>(line.value("time_ms", std::int64_t{0}) - begun_ms) / 1000;
      stage_.say(fmt::format("{:7.2f} s  {:>4}  {:<24} {}", seconds, line.value("step", ""),
                             line.value("event", ""), line.value("actor", "")));
      return false;
    }));
    return id;
  }

  /// Shows what the guest itself says, until its login.
  Status wait_for_login(const std::string& id) {
    stage_.say("The guest boots, which takes a while under emulation.");
    bool ready = false;
    std::string line;
    SEALIFT_CHECK(stage_.follow(as_customer({"console", id}), [&](const Json& chunk) {
      for (const char c : chunk.value("text", "")) {
        if (c == '\n') line.clear();
        if (c != '\n') line += c;
        if (line.ends_with("sealift: root disk opened")) stage_.say("  guest │ " + line);
        ready = ready || line.ends_with(kReady);
      }
      if (ready) stage_.say("  guest │ " + line);
      return ready;
    }));
    if (ready) return {};
    return fail(ErrorCode::guest_failed, "the guest's console does not show a login");
  }

  Status stop(const std::string& id) {
    SEALIFT_TRY(const auto stopped, stage_.run(as_customer({"stop", id})));
    SEALIFT_TRY(const auto last,
                stage_.follow(as_customer({"events", id, "--follow"}), [](const Json&) { return false; }));
    return {};
  }

  Words launch_words(const Words& more) const {
    Words words{file("image"), "--seed", file("seed")};
    const auto approved = approval();
    words.insert(words.end(), approved.begin(), approved.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Status launch_with_a_kept_key() {
    stage_.act("Keep your own key: this computer proves the host that the cloud selected, and seals to it");
    SEALIFT_TRY(const auto id, launch(launch_words({"--keep-key"})));
    SEALIFT_CHECK(wait_for_login(id));
    return stop(id);
  }

  Status launch_with_a_brought_key() {
    stage_.act(
        "Bring your own key: your security module does it, you learn nothing of the host, the cloud nothing "
        "of the key");
    SEALIFT_TRY(const auto id, launch(launch_words({})));
    SEALIFT_CHECK(keep_its_initramfs(id));
    SEALIFT_CHECK(stop(id));
    stage_.say("Again: the host is enrolled, and gets the sealed data that were made for it.");
    SEALIFT_TRY(const auto again, launch({image_id_}));
    return stop(again);
  }

  /// What a lying host agent has: this instance's head, sealed to its host, and the image.
  Status keep_its_initramfs(const std::string& id) {
    SEALIFT_TRY(const auto head, read_file(stage_.path("cloud/objects/heads/" + id), kMaxHead));
    SEALIFT_TRY(auto initramfs, read_file(image("initramfs"), kMaxInitramfs));
    if (initramfs.size() < head.size())
      return fail(ErrorCode::truncated, "the initramfs is shorter than its head");
    std::ranges::copy(head, initramfs.begin());
    SEALIFT_CHECK(keep_reference_log(file("image"), cloud_.value("reference", "")));
    return write_file(file("instance-initramfs"), initramfs);
  }

  Status refuse_in_the_cloud() {
    stage_.act("Refused: hosts that the customer does not approve of");
    stage_.expect_refusal("hosts with other firmware than approved",
                          stage_.follow(as_customer({"launch", file("image"), "--keep-key", "--yes", "--seed",
                                                     file("seed"), "--root", cloud_.value("root", ""),
                                                     "--intermediate", cloud_.value("intermediate", ""),
                                                     "--pcr", "sha256:6=" + std::string(64, 'a')}),
                                        [](const Json&) { return false; }),
                          ErrorCode::storage_key_policy_differs, "authPolicy");
    return {};
  }

  Result<Json> challenge(const std::string& evidence, const std::string& name) {
    Words words{"enrol",   "challenge",           "--evidence", evidence,
                "--state", file(name + ".state"), "--out",      file(name + ".challenge")};
    const auto approved = approval();
    words.insert(words.end(), approved.begin(), approved.end());
    return stage_.run(words);
  }

  /// A lying host agent hands the image to its ultravisor, with something of it changed: all of these must be
  /// refused before a guest is started.
  Result<Json> start(const std::string& machine, const Words& changes = {}) {
    Words words{"run", machine, file("image"), "--timeout", "60"};
    words.insert(words.end(), changes.begin(), changes.end());
    if (std::ranges::find(changes, "--initramfs") == changes.end())
      words.insert(words.end(), {"--initramfs", file("instance-initramfs")});
    return stage_.host(words);
  }

  Status refuse_altered_images() {
    stage_.act("Refused: an image that is not the one that was sealed");
    SEALIFT_CHECK(refuse_altered_image(
        stage_, {image("kernel"), file("instance-initramfs"), "console=ttyS0 init=/bin/sh", -100},
        [this](const Words& changes) { return start(kHost, changes); }));
    SEALIFT_CHECK(copy_with_edited_customer_data(file("instance-initramfs"), file("edited-initramfs")));
    stage_.expect_refusal("edited customer data", start(kHost, {"--initramfs", file("edited-initramfs")}),
                          ErrorCode::hmac_differs, "hmac");
    return {};
  }

  Status refuse_other_machines() {
    stage_.act("Refused: another machine, and the same machine with other firmware");
    stage_.expect_refusal("the other host", start(kOtherHost), ErrorCode::no_target_for_host, "sealed-data");

    SEALIFT_TRY(const auto off, stage_.host({"stop", kHost}));
    SEALIFT_TRY(const auto flashed, stage_.host({"flash", kHost, "--firmware", "next"}));
    SEALIFT_TRY(const auto on, stage_.host({"boot", kHost}));
    stage_.expect_refusal("the host with other verification code", start(kHost), ErrorCode::pcr_differs,
                          "pcr6.verification-code-hash");

    SEALIFT_TRY(const auto off_again, stage_.host({"stop", kHost}));
    SEALIFT_TRY(const auto restored, stage_.host({"flash", kHost, "--firmware", "default"}));
    SEALIFT_TRY(const auto tampered, stage_.host({"tamper", kHost, "--component", "opal", "--payload"}));
    stage_.expect_refusal("the host with an altered OPAL", stage_.host({"boot", kHost}),
                          ErrorCode::firmware_signature_invalid, "opal");
    return {};
  }

  Status refuse_software_key() {
    stage_.act("Refused: a storage key that is no TPM's");
    SEALIFT_TRY(const auto flashed, stage_.host({"flash", kHost, "--firmware", "default"}));
    SEALIFT_TRY(const auto on, stage_.host({"boot", kHost}));
    SEALIFT_TRY(const auto shown, stage_.host({"evidence", kHost, "--out", file("host.evidence")}));
    SEALIFT_TRY(const auto honest, challenge(file("host.evidence"), "host"));
    SEALIFT_TRY(const auto answered, stage_.host({"activate", kHost, "--challenge", file("host.challenge"),
                                                  "--out", file("host.response")}));
    SEALIFT_CHECK(copy_with_software_key(file("host.evidence"), file("forged.evidence")));
    SEALIFT_TRY(const auto asked, challenge(file("forged.evidence"), "forged"));
    stage_.expect_refusal("the host's TPM does not answer for it",
                          stage_.host({"activate", kHost, "--challenge", file("forged.challenge"), "--out",
                                       file("forged.response")}),
                          ErrorCode::challenge_response_differs, "");
    stage_.expect_refusal("another challenge's answer does not fit",
                          stage_.run({"enrol", "finish", "--state", file("forged.state"), "--response",
                                      file("host.response"), "--out", file("forged.host")}),
                          ErrorCode::challenge_response_differs, "");
    return {};
  }

  Stage& stage_;
  const DemoOptions& options_;
  Json cloud_;
  std::string image_id_;
};

}  // namespace

Status run_demo(const DemoOptions& options) {
  const auto voice =
      options.json ? Stage::Voice::json : (options.colour ? Stage::Voice::coloured : Stage::Voice::plain);
  SEALIFT_TRY(auto stage, Stage::create(options.program, voice));
  if (options.tee == "pef") return run_pef_demo(stage, options);
  return Demo{stage, options}.run();
}

}  // namespace sealift::cli
