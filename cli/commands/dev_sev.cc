// SPDX-License-Identifier: Apache-2.0
/// sealift dev sev: one SEV launch, with owner and host on the same computer.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/cancellation.h"
#include "cli/commands/commands.h"
#include "cli/inputs.h"
#include "cli/run/console_stream.h"
#include "cli/sev/owner_launch.h"
#include "cli/sev/owner_options.h"
#include "crypto/base64.h"
#include "guest/image/image.h"
#include "tee/sev/ovmf.h"

namespace sealift::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLook = 200ms;

struct LaunchOptions {
  Path image;
  Path owner;
  Path firmware;
  Path key_server;
  std::vector<std::string> trusted;
  std::string policy = "3";
  std::string qemu = "qemu-system-x86_64";
  std::string cpu = "EPYC";
  Path emulated_psp;
  std::string until;
  std::string console;
  std::uint32_t timeout = 0;
  std::vector<std::string> lies;
};

Result<OwnerSide> owner_side(const LaunchOptions& options) {
  SEALIFT_TRY(auto owner, image::read_owner(options.owner));
  SEALIFT_TRY(auto firmware, read_file(options.firmware, sev::kFirmwareLimit));
  SEALIFT_TRY(auto roots, pinned_roots(options.trusted));
  SEALIFT_TRY(const auto policy, parse_policy(options.policy, "--policy"));
  return OwnerSide{std::move(owner), std::move(firmware), options.key_server, std::move(roots),
                   sev::Policy{policy}};
}

Result<HostSide> host_side(const LaunchOptions& options, int console) {
  SEALIFT_TRY(const auto image, image::ImageDirectory::open(options.image));
  if (image.has_operand())
    return fail(ErrorCode::unsupported, "this image is for measured hosts: build one with --tee sev", "tee");
  HostSide host{.host = {.qemu = options.qemu, .environment = {}, .cpu = options.cpu},
                .image = options.image,
                .firmware = options.firmware,
                .memory_mib = image.manifest().memory_mib,
                .console = console,
                .lies = {}};
  if (!options.emulated_psp.empty())
    host.host.environment.push_back("SEALIFT_EMULATED_PSP=" + options.emulated_psp.string());
  SEALIFT_TRY(host.lies, parse_lies(options.lies));
  return host;
}

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Result<ConsoleStream::Sinks> sinks_of(const LaunchOptions& options, const Context& context) {
  ConsoleStream::Sinks sinks;
  if (options.console == "-") {
    sinks.show = [&context](const std::string& line) {
      (void)(context.json ? print_line(Json{{"console", line}}) : print_text("  | " + line + "\n"));
    };
  } else if (!options.console.empty()) {
    SEALIFT_TRY(sinks.file, open_file(options.console, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  }
  return sinks;
}

/// Until the guest ends, or printed what is waited for, or time is up.
Result<std::string> follow(agent::SevGuest& guest, int console, const LaunchOptions& options,
                           ConsoleStream stream) {
  std::optional<Pattern> until;
  if (!options.until.empty()) {
    SEALIFT_TRY(until, Pattern::compile(options.until));
  }
  const auto deadline =
      options.timeout > 0 ? Clock::now() + std::chrono::seconds{options.timeout} : Clock::time_point::max();
  for (bool open = true; open;) {
    SEALIFT_CHECK(check_not_cancelled());
    if (Clock::now() >= deadline)
      return fail(ErrorCode::timeout, fmt::format("the guest was stopped after {} s", options.timeout));
    pollfd ready{.fd = console, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(kLook.count())) <= 0) continue;
    SEALIFT_TRY(open, stream.read_from(console, until ? &*until : nullptr));
    if (!stream.matched().empty()) return stream.matched();
  }
  SEALIFT_TRY(const auto status, guest.wait(10s));
  if (until)
    return fail(ErrorCode::guest_failed, "the guest ended before it printed what was waited for", "console");
  if (status != 0) return fail(ErrorCode::guest_failed, fmt::format("QEMU ended with status {}", status));
  return std::string{};
}

Status launch(const LaunchOptions& options, Context& context) {
  SEALIFT_TRY(const auto owner, owner_side(options));
  SEALIFT_TRY(auto pipe, make_pipe());
  SEALIFT_TRY(const auto host, host_side(options, pipe.writing.get()));
  SEALIFT_TRY(auto sinks, sinks_of(options, context));
  const auto begun = Clock::now();
  const auto step = [&](std::string_view number, std::string_view sentence) {
    const std::chrono::duration<double> passed = Clock::now() - begun;
    if (context.json)
      (void)print_line(Json{{"step", number}, {"event", sentence}, {"seconds", passed.count()}});
    else
      (void)context.tick(fmt::format("{:6.2f} s  {}  {}", passed.count(), number, sentence));
  };
  SEALIFT_TRY(auto launched, launch_sev(owner, host, step));
  pipe.writing.reset();
  SEALIFT_TRY(const auto line,
              follow(launched.guest, pipe.reading.get(), options, ConsoleStream{std::move(sinks)}));
  const Json document{{"image_id", owner.owner.inputs.image_id.hex()},
                      {"root", launched.root},
                      {"hardware_key_hash", to_hex(launched.hardware_key_hash.view())},
                      {"measurement", crypto::to_base64(launched.measurement)},
                      {"matched", line}};
  if (context.json) return print_line(document);
  return line.empty() ? Status{} : context.tick("the guest printed: " + printable(line));
}

}  // namespace

void declare_dev_sev(Command dev) {
  auto options = std::make_shared<LaunchOptions>();
  dev.command("sev", "Launch an image on this computer: prove it, verify what was loaded, inject the secret",
              "sealift dev sev image --owner image.owner --firmware amdsev.fd --key-server milan\n"
              "sealift dev sev image --owner image.owner --firmware amdsev.fd --key-server maker \\\n"
              "  --trust-ark HEX --qemu sealift-emulated-sev-qemu --emulated-psp chip --until 'login:'",
              [options](Context& context) { return launch(*options, context); })
      .path("IMAGE", options->image, kDirectory, "an image that was built with --tee sev", Need::required)
      .path("--owner", options->owner, kDirectory, "what its owner keeps", Need::required)
      .path("--firmware", options->firmware, kFile, "the OVMF that the owner approves of", Need::required)
      .path("--key-server", options->key_server, kDirectory,
            "what AMD's key server has: ark.cert, ask.cert, cek/CHIP-ID", Need::required)
      .texts("--trust-ark", options->trusted, kHex,
             "SHA-256 of a root's public key, in place of AMD's own; may be repeated")
      .text("--policy", options->policy, "N", "the guest's policy (default: 3, NODBG and NOKS)")
      .text("--qemu", options->qemu, kFile, "QEMU, or what stands in for it (default: qemu-system-x86_64)")
      .text("--cpu", options->cpu, kText, "the processor model for the guest (default: EPYC)")
      .path("--emulated-psp", options->emulated_psp, kDirectory, "the chip of sealift-emulated-sev-qemu")
      .text("--until", options->until, "REGEX", "stop the guest once its console printed this")
      .text("--console", options->console, kFile, "the guest's console into a file, or - for here")
      .number("--timeout", options->timeout, "stop the guest after so many seconds (default: never)")
      .texts("--lie", options->lies, "NAME=VALUE",
             "for trying: what a lying host does, firmware=FILE, kernel=FILE, initramfs=FILE, cmdline=TEXT, "
             "policy=N, measurement=BASE64 or packet=altered");
}

}  // namespace sealift::cli
