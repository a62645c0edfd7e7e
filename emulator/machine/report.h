// SPDX-License-Identifier: Apache-2.0
/// What a machine looks like, for people and programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "emulator/machine/machine.h"

namespace sealift::emulator {

/// {"code", "message", "field", "expected" and "found" (where there are such), "remedy"}
nlohmann::ordered_json error_json(const Error& error);
/// One machine as the JSON object that emulator/README.md describes.
Result<std::string> machine_json(const Machine& machine);
/// {"machines":[…]}
Result<std::string> machines_json(const std::filesystem::path& machines);
/// The same as text.
Result<std::string> machine_text(const Machine& machine);
/// What the vendor of a firmware set publishes: {"set", "components", "inputs"}, as in a machine's
/// "firmware". From the set itself, never from a machine.
Result<std::string> firmware_json(const std::filesystem::path& machines, const std::string& set);
Result<std::string> firmware_text(const std::filesystem::path& machines, const std::string& set);
/// A table.
Result<std::string> machines_text(const std::filesystem::path& machines);

}  // namespace sealift::emulator
