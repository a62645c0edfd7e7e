// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/create.h"

#include <fmt/core.h>

#include "base/new_directory.h"
#include "emulator/firmware/new_file.h"
#include "emulator/machine/authority.h"
#include "emulator/machine/boot.h"
#include "emulator/machine/description.h"
#include "emulator/machine/firmware_store.h"
#include "emulator/machine/manufacture.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;

/// What the firmware will measure when nobody changes it: the state in which the machine's storage key works.
Result<tpm::PcrValues> expected_pcrs(const Firmware& firmware) {
  SEALIFT_TRY(const auto inputs, firmware_inputs(firmware.flash, firmware.state.chip));
  SEALIFT_TRY(const auto selection, tpm::PcrSelection::parse(tpm::firmware_profile().pcrs));
  std::vector<crypto::HashAlgorithm> banks;
  for (const auto& bank : selection.banks()) banks.push_back(bank.hash);
  return tpm::expected_pcrs(tpm::firmware_events(inputs), banks);
}

Description describe(const std::string& tee, const ManufacturedTpm& made, const crypto::PublicKey& ek,
                     const TpmPlan& plan) {
  const auto fingerprint = crypto::digest(crypto::HashAlgorithm::sha256, ek.der());
  return {.tee = tee,
          .ek = plan.ek,
          .ek_handle = made.ek_kind.handle,
          .ek_fingerprint = to_hex(fingerprint.view()),
          .storage_key = plan.storage_key,
          .storage_key_handle = tpm::firmware_profile().storage_key,
          .storage_key_name = made.storage_key.name().hex(),
          .expected_pcrs = plan.expected.text()};
}

Status make_directories(const fs::path& path, std::initializer_list<const char*> names) {
  for (const auto* name : names) {
    std::error_code error;
    fs::create_directory(path / name, error);
    if (!error) continue;
    errno = error.value();
    return fail_errno("make a directory in " + path.native());
  }
  return {};
}

/// All of the machine, into `path`.
Status fill_machine(const fs::path& machines, const fs::path& path, const CreateOptions& options) {
  SEALIFT_TRY(auto firmware, offered_firmware(machines, options.firmware));
  firmware.state.chip.secure_boot_jumper = options.secure_boot_jumper;
  firmware.state.chip.pef_enabled = options.pef_enabled;
  SEALIFT_TRY(const auto authority, ek_authority(machines));
  SEALIFT_TRY(const auto expected, expected_pcrs(firmware));
  const TpmPlan plan{options.ek, options.storage_key, expected,
                     options.approver ? tpm::Binding{*options.approver} : tpm::Binding{expected}};
  SEALIFT_CHECK(make_directories(path, {"tpm", "scratch", "approvals"}));
  SEALIFT_TRY(const auto made, manufacture_tpm(path / "tpm", path / "scratch", plan, authority));
  SEALIFT_TRY(const auto ek, made.ek.key());
  SEALIFT_CHECK(write_flash(path / "flash", firmware.flash));
  SEALIFT_CHECK(write_new_file(path / "chip.json", as_bytes(chip_json(firmware.state))));
  SEALIFT_CHECK(write_new_file(path / "ek-certificate.der", made.ek_certificate.der()));
  SEALIFT_CHECK(write_new_file(path / "platform-certificate.der", made.platform_certificate));
  SEALIFT_CHECK(write_new_file(path / "machine.json",
                               as_bytes(description_json(describe(options.tee, made, ek, plan)))));
  std::error_code ignored;
  fs::remove_all(path / "scratch", ignored);
  return {};
}

Status check_kind(tpm::KeyKind kind, const char* field) {
  if (kind != tpm::KeyKind::p384) return {};
  return fail(ErrorCode::invalid_argument, "emulated machines have RSA-2048 and P-256 keys only", field);
}

tl::unexpected<Error> fail_taken(const Machine& machine) {
  return fail(ErrorCode::already_exists, fmt::format("there is already a machine '{}'", machine.name()),
              "name");
}

}  // namespace

Result<Machine> create_machine(const fs::path& machines, const std::string& name,
                               const CreateOptions& options, const std::atomic<bool>& interrupted) {
  SEALIFT_CHECK(check_kind(options.ek, "ek"));
  SEALIFT_CHECK(check_kind(options.storage_key, "storage_key"));
  SEALIFT_TRY(auto machine, Machine::at(machines, name));
  std::error_code ignored;
  if (fs::exists(machine.path(), ignored)) return fail_taken(machine);
  fs::create_directories(machine.machines(), ignored);
  SEALIFT_TRY(auto directory, NewDirectory::create(machine.path()));
  const auto filled = fill_machine(machine.machines(), directory.path(), options);
  if (interrupted)
    return fail(ErrorCode::canceled, fmt::format("machine '{}' was not made: interrupted", name));
  SEALIFT_CHECK(filled);
  const auto published = directory.publish();
  if (!published && published.error().code == ErrorCode::already_exists) return fail_taken(machine);
  SEALIFT_CHECK(published);
  return machine;
}

Status destroy_machine(const Machine& machine) {
  SEALIFT_TRY(const auto lock, machine.lock());
  SEALIFT_CHECK(power_off(machine, lock));
  SEALIFT_TRY(auto trash, NewDirectory::create(machine.machines() / ".trash"));
  std::error_code error;
  fs::rename(machine.path(), trash.path() / "machine", error);
  if (!error) return {};
  errno = error.value();
  return fail_errno("remove " + machine.path().native());
}

}  // namespace sealift::emulator
