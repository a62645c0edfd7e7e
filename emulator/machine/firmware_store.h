// SPDX-License-Identifier: Apache-2.0
/// Firmware on the disk: the sets that a machines directory offers, a machine's flash, its chip.
#pragma once

#include <filesystem>
#include <string>

#include "emulator/firmware/chain.h"
#include "emulator/machine/machine.h"

namespace sealift::emulator {

/// A chip, and the name of the set that was last flashed.
struct ChipState {
  Chip chip;
  std::string set;
};

/// A machine's firmware, all of it.
struct Firmware {
  Flash flash;
  ChipState state;
};

/// A set of MACHINES/firmware, which is made with its keys where it is not there. The chip accepts its keys.
Result<Firmware> offered_firmware(const std::filesystem::path& machines, const std::string& set);

Result<Firmware> read_firmware(const Machine& machine);
/// One file per component. write_flash() wants them not to be there.
Result<Flash> read_flash(const std::filesystem::path& directory);
Status write_flash(const std::filesystem::path& directory, const Flash& flash);
Result<ChipState> read_chip(const std::filesystem::path& file);
/// What read_chip() reads.
std::string chip_json(const ChipState& state);
/// The hash of the keys that sign what is in the flash.
Result<crypto::Digest> hardware_key_hash_of(const Flash& flash);

}  // namespace sealift::emulator
