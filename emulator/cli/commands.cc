// SPDX-License-Identifier: Apache-2.0
#include "emulator/cli/commands.h"

#include <fmt/core.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "emulator/machine/agent.h"
#include "emulator/machine/boot.h"
#include "emulator/machine/change.h"
#include "emulator/machine/create.h"
#include "emulator/machine/description.h"
#include "emulator/machine/report.h"
#include "tpm/credential.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kChallengeLimit = 16 * 1024;
constexpr std::size_t kKeyLimit = 16 * 1024;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

/// From here on Ctrl-C is a wish that creating looks at; a second one ends us at once.
void note_interruptions() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

Result<fs::path> machines_of(const Arguments& arguments) {
  if (arguments.machines) return *arguments.machines;
  return default_machines_directory();
}

Result<Machine> machine_of(const Arguments& arguments) {
  SEALIFT_TRY(const auto machines, machines_of(arguments));
  return Machine::find(machines, arguments.name);
}

/// The machine as it is now, and before it a line for people.
Result<std::string> report(const Machine& machine, const Arguments& arguments, const std::string& done) {
  if (arguments.json) return machine_json(machine);
  return done + "\n";
}

std::optional<bool> on(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return *text == "on";
}

Tampering tampering_of(const Arguments& arguments) {
  if (arguments.signature) return Tampering::signature;
  return arguments.hardware_keys ? Tampering::hardware_keys : Tampering::payload;
}

}  // namespace

Result<std::string> run_create(const Arguments& arguments) {
  SEALIFT_TRY(const auto machines, machines_of(arguments));
  CreateOptions options;
  options.tee = arguments.tee;
  SEALIFT_TRY(options.ek, key_kind_from_name(arguments.ek));
  SEALIFT_TRY(options.storage_key, key_kind_from_name(arguments.storage_key));
  options.firmware = arguments.firmware.value_or(options.firmware);
  options.secure_boot_jumper = on(arguments.secure_boot_jumper).value_or(true);
  options.pef_enabled = on(arguments.pef).value_or(true);
  if (!arguments.approver.empty()) {
    SEALIFT_TRY(const auto pem, read_file(arguments.approver, kKeyLimit));
    SEALIFT_TRY(const auto key, crypto::PublicKey::parse(pem));
    SEALIFT_TRY(options.approver, tpm::Approver::create(key));
  }
  note_interruptions();
  SEALIFT_TRY(const auto machine, create_machine(machines, arguments.name, options, interrupted));
  return report(
      machine, arguments,
      fmt::format("Machine {} is made. Start it: sealift-emulator boot {}", machine.name(), machine.name()));
}

Result<std::string> run_boot(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  BootOptions options;
  options.run_as = arguments.run_as;
  if (!arguments.slof.empty()) options.slof = fs::absolute(arguments.slof);
  if (arguments.ultravisor) {
    options.ultravisor = fs::absolute(*arguments.ultravisor);
  } else {
    SEALIFT_TRY(options.ultravisor, ultravisor_beside_this_program(machine));
  }
  SEALIFT_CHECK(boot_machine(machine, options));
  return report(machine, arguments, fmt::format("Machine {} is on. TPM: {}", machine.name(), machine.tcti()));
}

Result<std::string> run_stop(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  SEALIFT_CHECK(stop_machine(machine));
  return report(machine, arguments, fmt::format("Machine {} is off.", machine.name()));
}

Result<std::string> run_list(const Arguments& arguments) {
  SEALIFT_TRY(const auto machines, machines_of(arguments));
  return arguments.json ? machines_json(machines) : machines_text(machines);
}

Result<std::string> run_show(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  return arguments.json ? machine_json(machine) : machine_text(machine);
}

Result<std::string> run_firmware(const Arguments& arguments) {
  SEALIFT_TRY(const auto machines, machines_of(arguments));
  return arguments.json ? firmware_json(machines, arguments.name) : firmware_text(machines, arguments.name);
}

Result<std::string> run_evidence(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  SEALIFT_TRY(auto evidence, gather_evidence(machine));
  if (!arguments.out) return evidence + "\n";
  SEALIFT_CHECK(write_file(*arguments.out, as_bytes(evidence)));
  if (arguments.json) return Json{{"evidence", arguments.out->native()}}.dump(2) + "\n";
  return fmt::format("The evidence of {} is in {}.\n", machine.name(), arguments.out->native());
}

Result<std::string> run_activate(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  SEALIFT_TRY(const auto challenge, read_file(arguments.challenge, kChallengeLimit));
  SEALIFT_TRY(const auto response, answer_challenge(machine, challenge));
  SEALIFT_CHECK(write_file(*arguments.out, response.expose(), 0600));
  if (arguments.json) return Json{{"response", arguments.out->native()}}.dump(2) + "\n";
  return fmt::format("The answer of {} is in {}.\n", machine.name(), arguments.out->native());
}

Result<std::string> run_tamper(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  SEALIFT_TRY(const auto component, component_from_name(arguments.component));
  SEALIFT_CHECK(tamper_machine(machine, component, tampering_of(arguments)));
  return report(machine, arguments,
                fmt::format("Component {} of {} is altered; it shows at the next boot.", name(component),
                            machine.name()));
}

Result<std::string> run_flash(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  const FlashOptions options{.firmware = arguments.firmware,
                             .rewrite_hardware_keys = arguments.rewrite_hardware_keys,
                             .secure_boot_jumper = on(arguments.secure_boot_jumper),
                             .pef_enabled = on(arguments.pef)};
  SEALIFT_CHECK(flash_machine(machine, options));
  return report(machine, arguments, fmt::format("{} is changed; it shows at the next boot.", machine.name()));
}

Result<std::string> run_destroy(const Arguments& arguments) {
  SEALIFT_TRY(const auto machine, machine_of(arguments));
  SEALIFT_CHECK(destroy_machine(machine));
  if (arguments.json) return Json{{"destroyed", machine.name()}}.dump(2) + "\n";
  return fmt::format("Machine {} is gone.\n", machine.name());
}

}  // namespace sealift::emulator
