// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/change.h"

#include "emulator/firmware/new_file.h"
#include "emulator/machine/firmware_store.h"

namespace sealift::emulator {
namespace {

Status rewrite(const Machine& machine, Component component, ByteView container) {
  return replace_file(machine.flash() / name(component), container);
}

Status rewrite_all(const Machine& machine, const Flash& flash) {
  for (const auto component : kComponents) SEALIFT_CHECK(rewrite(machine, component, part(flash, component)));
  return {};
}

}  // namespace

Status flash_machine(const Machine& machine, const FlashOptions& options) {
  SEALIFT_TRY(const auto lock, machine.lock());
  SEALIFT_TRY(auto state, read_chip(machine.chip()));
  if (options.firmware) {
    SEALIFT_TRY(const auto offered, offered_firmware(machine.machines(), *options.firmware));
    SEALIFT_CHECK(rewrite_all(machine, offered.flash));
    state.set = *options.firmware;
  }
  if (options.rewrite_hardware_keys) {
    SEALIFT_TRY(const auto flash, read_flash(machine.flash()));
    SEALIFT_TRY(state.chip.hardware_key_hash, hardware_key_hash_of(flash));
  }
  state.chip.secure_boot_jumper = options.secure_boot_jumper.value_or(state.chip.secure_boot_jumper);
  state.chip.pef_enabled = options.pef_enabled.value_or(state.chip.pef_enabled);
  return replace_file(machine.chip(), as_bytes(chip_json(state)));
}

Status tamper_machine(const Machine& machine, Component component, Tampering how) {
  SEALIFT_TRY(const auto lock, machine.lock());
  SEALIFT_TRY(const auto flash, read_flash(machine.flash()));
  SEALIFT_TRY(const auto tampered, tamper(part(flash, component), component, how));
  return rewrite(machine, component, tampered);
}

}  // namespace sealift::emulator
