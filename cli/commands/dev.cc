// SPDX-License-Identifier: Apache-2.0
/// sealift dev host: emulated machines, and guests on them.
#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/inputs.h"
#include "cli/programs.h"
#include "cli/run/guest_session.h"
#include "cli/run/launch_files.h"
#include "cli/run/machine.h"

namespace sealift::cli {
namespace {

struct Passed {
  const char* name;
  const char* help;
};
/// What sealift-emulator does, under its own names and options.
constexpr std::array kPassed{
    Passed{"create", "Make a machine: a TPM with an EK certificate, firmware, a provisioned storage key"},
    Passed{"boot", "Switch it on, or off and on again"},
    Passed{"stop", "Switch it off"},
    Passed{"list", "List the machines"},
    Passed{"show", "Show one: its keys, firmware, PCR values, sockets"},
    Passed{"firmware", "What the vendor publishes of a firmware set, for policy predict"},
    Passed{"psp-maker", "Make a maker of AMD PSPs: a root, and a key server's files"},
    Passed{"psp-chip", "Make a chip of a maker's: a PSP with keys of its own"},
    Passed{"evidence", "What its host agent shows, for enrol challenge"},
    Passed{"activate", "Let its TPM answer a challenge, for enrol finish"},
    Passed{"tamper", "Alter a firmware component"},
    Passed{"flash", "Give it other firmware, or other switches"},
    Passed{"destroy", "Remove it"},
};

struct RunOptions {
  std::string machine;
  Path image;
  Path machines;
  LaunchChanges changes;
  std::string console;
  std::string until;
  std::uint32_t timeout = 0;
};

std::string_view sentence(std::string_view event) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kSentences{{
      {"components_pinned", "kernel, initramfs and command line are taken in"},
      {"secure_mode_requested", "the guest asks for secure mode"},
      {"operand_found", "there is an ESM operand"},
      {"target_found", "the image is sealed to this machine"},
      {"seal_opened", "the TPM opened the seal"},
      {"payload_verified", "the payload is the customer's, unaltered"},
      {"components_verified", "kernel, initramfs and command line are those that were sealed"},
      {"guest_started", "the guest runs"},
      {"customer_data_delivered", "the guest has its customer data"},
      {"guest_ended", "the guest ended"},
  }};
  const auto* const found = std::ranges::find(kSentences, event, [](const auto& pair) { return pair.first; });
  return found == kSentences.end() ? event : found->second;
}

/// Says how the launch goes: lines for people, or one JSON document a line.
class Narrator {
 public:
  explicit Narrator(Context& context) : context_{context} {}

  void event(const ultravisor::Event& event) {
    if (context_.json) {
      Json line{{"event", event.name}, {"seconds", seconds()}};
      if (event.exit_status) line["exit_status"] = *event.exit_status;
      (void)print_line(line);
    } else {
      (void)context_.tick(fmt::format("{:6.2f} s  {}", seconds(), printable(sentence(event.name))));
    }
  }
  void console(const std::string& line) {
    if (context_.json) {
      (void)print_line(Json{{"console", line}});
    } else {
      (void)print_text("  | " + line + "\n");
    }
  }
  Status end(const SessionEnd& end) {
    Json line{{"result", end.matched.empty() ? "ended" : "reached"}, {"seconds", seconds()}};
    if (!end.matched.empty()) line["matched"] = end.matched;
    if (end.exit_status) line["exit_status"] = *end.exit_status;
    if (context_.json) return print_line(line);
    if (end.matched.empty()) return {};
    return context_.tick(fmt::format("{:6.2f} s  the guest printed: {}", seconds(), printable(end.matched)));
  }

 private:
  double seconds() const {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun_;
    return std::round(passed.count() * 1000) / 1000;
  }
  Context& context_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

Result<ConsoleStream::Sinks> console_sinks(const std::string& console, Narrator& narrator) {
  ConsoleStream::Sinks sinks;
  if (console == "-") {
    sinks.show = [&narrator](const std::string& line) { narrator.console(line); };
  } else if (!console.empty()) {
    SEALIFT_TRY(sinks.file, open_file(console, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  }
  return sinks;
}

Status run_guest(const RunOptions& options, Context& context) {
  Narrator narrator{context};
  SessionOptions session;
  if (!options.until.empty()) {
    SEALIFT_TRY(session.until, Pattern::compile(options.until));
  }
  SEALIFT_TRY(session.socket, ultravisor_socket_of(options.machine, options.machines));
  SEALIFT_TRY(session.console, console_sinks(options.console, narrator));
  session.timeout = std::chrono::seconds{options.timeout};
  session.on_event = [&narrator](const ultravisor::Event& event) { narrator.event(event); };

  SEALIFT_TRY(const auto scratch, TemporaryDirectory::create("sealift-run"));
  SEALIFT_TRY(auto request, prepare_launch(options.image, options.changes, scratch.path()));
  SEALIFT_TRY(const auto end, run_session(std::move(request), std::move(session)));
  return narrator.end(end);
}

void declare_run(Command& group) {
  auto options = std::make_shared<RunOptions>();
  options->changes.cpus = 1;
  group
      .command("run", "Start an image on a machine that is on, and follow it to its end",
               "sealift dev host run alpha image --until 'login:' --console console.log\n"
               "sealift dev host run alpha image --cmdline 'console=ttyS0 init=/bin/sh'    refused",
               [options](Context& context) { return run_guest(*options, context); })
      .text("NAME", options->machine, "NAME", "the machine", Need::required)
      .path("IMAGE", options->image, kDirectory, "the image directory", Need::required)
      .path("--dir", options->machines, kDirectory, "the machines directory (default: sealift-emulator's)")
      .number("--memory", options->changes.memory_mib, "MiB of memory (default: the image's)")
      .number("--cpus", options->changes.cpus, "processors (default: 1)")
      .text("--console", options->console, "FILE|-", "where the guest's console goes; -: here, line by line")
      .text("--until", options->until, "REGEX",
            "stop the guest, successfully, once a line of its console matches (POSIX extended)")
      .number("--timeout", options->timeout, "stop it, as a failure, after so many seconds")
      .text("--cmdline", options->changes.cmdline, kText, "instead of the image's command line")
      .path("--kernel", options->changes.kernel, kFile, "instead of the image's kernel")
      .path("--initramfs", options->changes.initramfs, kFile, "instead of the image's initramfs");
}

}  // namespace

void declare_dev(Command root) {
  auto dev = root.group("dev", "Try Sealift on one computer, with machines that do not exist",
                        "sealift dev up\nsealift dev host create alpha");
  declare_dev_up(dev);
  declare_dev_sev(dev);
  auto host =
      dev.group("host", "Emulated machines, by sealift-emulator: each command takes its options there",
                "sealift dev host create alpha && sealift dev host boot alpha\n"
                "sealift dev host run alpha image --until 'login:'\n"
                "sealift dev host create --help");
  for (const auto& passed : kPassed) {
    host.passing(passed.name, passed.help, [passed](Context&, std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), passed.name);
      return become_program("sealift-emulator", std::move(arguments));
    });
  }
  declare_run(host);
}

}  // namespace sealift::cli
