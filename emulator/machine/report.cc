// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/report.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "emulator/machine/boot.h"
#include "emulator/machine/description.h"
#include "emulator/machine/firmware_store.h"
#include "emulator/machine/process_file.h"

namespace sealift::emulator {

using Json = nlohmann::ordered_json;

Json error_json(const Error& error) {
  Json json{{"code", name(error.code)}, {"message", error.message}, {"field", error.field}};
  if (!error.expected.empty()) {
    json["expected"] = error.expected;
    json["found"] = error.found;
  }
  json["remedy"] = remedy(error.code);
  return json;
}

namespace {

/// All that is known about a machine.
struct Facts {
  Machine machine;
  std::string_view state;
  Description description;
  Firmware firmware;
  std::optional<BootRecord> boot;
};

/// "crashed": half of the machine runs.
std::string_view state_of(const Machine& machine) {
  if (is_on(machine)) return "on";
  const bool half = running_process(machine.tpm_process()) || running_process(machine.ultravisor_process());
  return half ? "crashed" : "off";
}

Result<Facts> gather(const Machine& machine) {
  SEALIFT_TRY(auto description, read_description(machine.description()));
  SEALIFT_TRY(auto firmware, read_firmware(machine));
  SEALIFT_TRY(auto boot, read_boot_record(machine.last_boot()));
  return Facts{machine, state_of(machine), std::move(description), std::move(firmware), std::move(boot)};
}

std::string handle_text(tpm::Handle handle) { return fmt::format("{:#010x}", handle); }

/// {"sha256": {"6": HEX}}
Result<Json> pcrs_json(const std::string& text) {
  SEALIFT_TRY(const auto pcrs, tpm::PcrValues::parse(text));
  Json json = Json::object();
  for (const auto& value : pcrs.values()) {
    json[std::string{crypto::name(value.hash)}][fmt::format("{}", value.index)] = to_hex(value.value.view());
  }
  return json;
}

Json components_json(const Flash& flash) {
  Json list = Json::array();
  for (const auto component : kComponents) {
    const auto container = Container::parse(part(flash, component));
    list.push_back({{"name", name(component)}, {"version", container ? Json(container->version) : Json()}});
  }
  return list;
}

/// null where the mutable loader cannot be read.
Json inputs_json(const Firmware& firmware) {
  const auto inputs = firmware_inputs(firmware.flash, firmware.state.chip);
  if (!inputs) return {};
  return {{"hardware_key_hash", to_hex(inputs->hardware_key_hash.view())},
          {"secure_boot_jumper", inputs->secure_boot_jumper},
          {"verification_code_hash", to_hex(inputs->verification_code_hash.view())},
          {"pef_enabled", inputs->pef_enabled}};
}

Json firmware_object(const Firmware& firmware) {
  return {{"components", components_json(firmware.flash)},
          {"set", firmware.state.set},
          {"inputs", inputs_json(firmware)}};
}

Result<Json> boot_json(const BootRecord& boot) {
  SEALIFT_TRY(auto pcrs, pcrs_json(boot.pcrs));
  Json json{{"at", boot.at}, {"booted", !boot.refusal.has_value()}, {"pcrs", std::move(pcrs)}};
  if (boot.refusal) {
    json["error"] = error_json(*boot.refusal);
  }
  return json;
}

Result<Json> to_json(const Facts& facts) {
  const auto& machine = facts.machine;
  const auto& known = facts.description;
  SEALIFT_TRY(auto expected, pcrs_json(known.expected_pcrs));
  Json json{{"name", machine.name()},
            {"path", machine.path().native()},
            {"tee", known.tee},
            {"state", facts.state},
            {"tcti", machine.tcti()},
            {"profile", tpm::firmware_profile().name},
            {"ek",
             {{"kind", tpm::name(known.ek)},
              {"handle", handle_text(known.ek_handle)},
              {"fingerprint", known.ek_fingerprint}}},
            {"storage_key",
             {{"kind", tpm::name(known.storage_key)},
              {"handle", handle_text(known.storage_key_handle)},
              {"name", known.storage_key_name}}},
            {"firmware", firmware_object(facts.firmware)},
            {"expected_pcrs", std::move(expected)}};
  if (facts.boot) {
    SEALIFT_TRY(json["last_boot"], boot_json(*facts.boot));
  }
  json["event_log"] = machine.event_log().native();
  json["ultravisor_socket"] = machine.ultravisor_socket().native();
  return json;
}

/// PCR 6 of the last boot, SHA-256; "-" where there was none.
std::string pcr_text(const Facts& facts) {
  if (!facts.boot) return "-";
  const auto pcrs = tpm::PcrValues::parse(facts.boot->pcrs);
  const auto* value = pcrs ? pcrs->find(crypto::HashAlgorithm::sha256, tpm::kFirmwarePcr) : nullptr;
  return value == nullptr ? "-" : to_hex(value->view());
}

std::string last_boot_text(const Facts& facts) {
  if (!facts.boot) return "never";
  if (!facts.boot->refusal) return facts.boot->at + ", went well";
  return fmt::format("{}, refused: {}: {}", facts.boot->at, name(facts.boot->refusal->code),
                     facts.boot->refusal->message);
}

const char* on_off(bool on) { return on ? "on" : "off"; }

}  // namespace

Result<std::string> machine_json(const Machine& machine) {
  SEALIFT_TRY(const auto facts, gather(machine));
  SEALIFT_TRY(const auto json, to_json(facts));
  return json.dump(2) + "\n";
}

Result<std::string> machines_json(const std::filesystem::path& machines) {
  SEALIFT_TRY(const auto all, Machine::all(machines));
  Json list = Json::array();
  for (const auto& machine : all) {
    SEALIFT_TRY(const auto facts, gather(machine));
    SEALIFT_TRY(auto json, to_json(facts));
    list.push_back(std::move(json));
  }
  return Json{{"machines", std::move(list)}}.dump(2) + "\n";
}

Result<std::string> machine_text(const Machine& machine) {
  SEALIFT_TRY(const auto facts, gather(machine));
  const auto& chip = facts.firmware.state.chip;
  std::string text = fmt::format("{}  ({})\n", machine.name(), facts.state);
  const auto line = [&text](std::string_view what, const std::string& value) {
    text += fmt::format("  {:<20} {}\n", what, value);
  };
  line("path", machine.path().native());
  line("TEE", facts.description.tee);
  line("TPM", machine.tcti());
  line("EK", fmt::format("{}, {}", tpm::name(facts.description.ek), facts.description.ek_fingerprint));
  line("storage key",
       fmt::format("{}, {}", tpm::name(facts.description.storage_key), facts.description.storage_key_name));
  line("firmware", facts.firmware.state.set);
  line("secure-boot jumper", on_off(chip.secure_boot_jumper));
  line("PEF", on_off(chip.pef_enabled));
  line("provisioned for", facts.description.expected_pcrs);
  line("last boot", last_boot_text(facts));
  line("PCR 6, SHA-256", pcr_text(facts));
  return text;
}

Result<std::string> firmware_json(const std::filesystem::path& machines, const std::string& set) {
  SEALIFT_TRY(const auto firmware, offered_firmware(machines, set));
  return firmware_object(firmware).dump(2) + "\n";
}

Result<std::string> firmware_text(const std::filesystem::path& machines, const std::string& set) {
  SEALIFT_TRY(const auto firmware, offered_firmware(machines, set));
  SEALIFT_TRY(const auto inputs, firmware_inputs(firmware.flash, firmware.state.chip));
  return fmt::format(
      "--hardware-key-hash {}\n--verification-code-hash {}\n--secure-boot-jumper {}\n--pef {}\n",
      to_hex(inputs.hardware_key_hash.view()), to_hex(inputs.verification_code_hash.view()),
      on_off(inputs.secure_boot_jumper), on_off(inputs.pef_enabled));
}

Result<std::string> machines_text(const std::filesystem::path& machines) {
  SEALIFT_TRY(const auto all, Machine::all(machines));
  if (all.empty())
    return fmt::format("No machines in {}. Make one: sealift-emulator create NAME\n", machines.native());
  std::string text =
      fmt::format("{:<20} {:<8} {:<9} {:<18} {}\n", "NAME", "STATE", "FIRMWARE", "PCR 6", "EK");
  for (const auto& machine : all) {
    SEALIFT_TRY(const auto facts, gather(machine));
    text += fmt::format("{:<20} {:<8} {:<9} {:<18.16} {:.16}\n", machine.name(), facts.state,
                        facts.firmware.state.set, pcr_text(facts), facts.description.ek_fingerprint);
  }
  return text;
}

}  // namespace sealift::emulator
