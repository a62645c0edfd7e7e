// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/firmware_store.h"

#include <nlohmann/json.hpp>

#include "base/new_directory.h"
#include "emulator/firmware/new_file.h"
#include "emulator/machine/json_file.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;

Result<Vendor> make_vendor(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  SEALIFT_TRY(auto vendor, Vendor::generate());
  SEALIFT_CHECK(vendor.save(directory));
  return vendor;
}

/// Keys of each vendor, then each set, signed by its vendor.
Status make_sets(const fs::path& directory) {
  for (const auto& set : firmware_sets()) {
    const auto keys = directory / "keys" / set.vendor;
    std::error_code error;
    SEALIFT_TRY(const auto vendor, fs::exists(keys, error) ? Vendor::load(keys) : make_vendor(keys));
    SEALIFT_TRY(const auto flash, build_firmware(vendor, set));
    SEALIFT_CHECK(write_flash(directory / set.name, flash));
  }
  return {};
}

}  // namespace

Result<Firmware> offered_firmware(const fs::path& machines, const std::string& set) {
  SEALIFT_CHECK(firmware_set_from_name(set));
  const auto directory = machines / "firmware";
  SEALIFT_CHECK(make_directory_once(directory, make_sets));
  SEALIFT_TRY(auto flash, read_flash(directory / set));
  SEALIFT_TRY(const auto keys, hardware_key_hash_of(flash));
  return Firmware{std::move(flash), {.chip = {.hardware_key_hash = keys}, .set = set}};
}

Result<Firmware> read_firmware(const Machine& machine) {
  SEALIFT_TRY(auto flash, read_flash(machine.flash()));
  SEALIFT_TRY(auto state, read_chip(machine.chip()));
  return Firmware{std::move(flash), std::move(state)};
}

Result<Flash> read_flash(const fs::path& directory) {
  Flash flash;
  for (const auto component : kComponents) {
    SEALIFT_TRY(part(flash, component), read_file(directory / name(component), kContainerLimit));
  }
  return flash;
}

Status write_flash(const fs::path& directory, const Flash& flash) {
  std::error_code error;
  fs::create_directories(directory, error);
  for (const auto component : kComponents) {
    SEALIFT_CHECK(write_new_file(directory / name(component), part(flash, component)));
  }
  return {};
}

Result<ChipState> read_chip(const fs::path& file) {
  SEALIFT_TRY(auto json, read_json_file(file));
  ChipState state;
  SEALIFT_TRY(const auto hash,
              json.take_hex("hardware_key_hash", crypto::digest_size(crypto::HashAlgorithm::sha512)));
  state.chip.hardware_key_hash = crypto::Digest{hash};
  SEALIFT_TRY(state.chip.secure_boot_jumper, json.take_boolean("secure_boot_jumper"));
  SEALIFT_TRY(state.chip.pef_enabled, json.take_boolean("pef_enabled"));
  SEALIFT_TRY(state.set, json.take_text("firmware"));
  SEALIFT_CHECK(json.expect_end());
  return state;
}

std::string chip_json(const ChipState& state) {
  const nlohmann::ordered_json json{{"hardware_key_hash", to_hex(state.chip.hardware_key_hash.view())},
                                    {"secure_boot_jumper", state.chip.secure_boot_jumper},
                                    {"pef_enabled", state.chip.pef_enabled},
                                    {"firmware", state.set}};
  return json.dump(2) + "\n";
}

Result<crypto::Digest> hardware_key_hash_of(const Flash& flash) {
  SEALIFT_TRY(const auto loader, Container::parse(part(flash, Component::immutable_loader)));
  return hardware_key_hash(loader);
}

}  // namespace sealift::emulator
