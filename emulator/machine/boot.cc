// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/boot.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "crypto/x509.h"
#include "emulator/firmware/new_file.h"
#include "emulator/machine/description.h"
#include "emulator/machine/firmware_store.h"
#include "emulator/machine/measurement.h"
#include "emulator/machine/process_file.h"
#include "emulator/machine/swtpm.h"
#include "emulator/machine/ultravisor.h"
#include "tpm/commands.h"
#include "tpm/provisioning.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;

/// Powers the machine off again unless told that all went well.
class PowerGuard {
 public:
  PowerGuard(const Machine& machine, const MachineLock& lock) : machine_{machine}, lock_{lock} {}
  PowerGuard(const PowerGuard&) = delete;
  PowerGuard& operator=(const PowerGuard&) = delete;
  ~PowerGuard() {
    if (!kept_) static_cast<void>(power_off(machine_, lock_));
  }
  void keep() noexcept { kept_ = true; }

 private:
  const Machine& machine_;
  const MachineLock& lock_;
  bool kept_ = false;
};

/// Runs the firmware and writes down what it measured and how it ended.
Status run_measured_firmware(const Machine& machine, tpm::Tpm& tpm) {
  SEALIFT_TRY(const auto firmware, read_firmware(machine));
  SEALIFT_TRY(auto measurement, Measurement::start(tpm));
  const auto ran = run_firmware(firmware.flash, firmware.state.chip,
                                [&](const tpm::MeasuredEvent& event) { return measurement.measure(event); });
  SEALIFT_TRY(const auto pcrs, measurement.firmware_pcr());
  BootRecord record{.at = crypto::utc_text(crypto::unix_seconds(SystemClock{}.now())),
                    .pcrs = pcrs.text(),
                    .refusal = std::nullopt};
  if (!ran) record.refusal = ran.error();
  SEALIFT_CHECK(replace_file(machine.event_log(), measurement.log().bytes()));
  SEALIFT_CHECK(replace_file(machine.last_boot(), as_bytes(boot_record_json(record))));
  return ran;
}

/// A fresh password for the wrapping key. Lockboxes are bound to no PCR: with PEF off nobody gets it, which
/// is all that keeps them shut.
Status renew_wrapping_key(const Machine& machine, tpm::Tpm& tpm, Passwords& passwords) {
  SEALIFT_TRY(const auto firmware, read_firmware(machine));
  SEALIFT_TRY(auto wrapping, tpm::renew_wrapping_key(tpm, {}));
  SEALIFT_TRY(const auto key, wrapping.area.key());
  SEALIFT_CHECK(replace_file(machine.wrapping_key(), as_bytes(key.pem())));
  if (firmware.state.chip.pef_enabled) passwords.wrapping_key = std::move(wrapping.password);
  return {};
}

/// The firmware's last acts: passwords for the ultravisor alone, and platform authorization for nobody.
Result<Passwords> hand_over(const Machine& machine, tpm::Tpm& tpm) {
  const auto& profile = tpm::firmware_profile();
  SEALIFT_TRY(const auto known, read_description(machine.description()));
  SEALIFT_TRY(auto password, tpm::rotate_boot_password(tpm, profile, {}));
  Passwords passwords{std::move(password), std::nullopt};
  if (known.tee == "pef") SEALIFT_CHECK(renew_wrapping_key(machine, tpm, passwords));
  SEALIFT_CHECK(tpm::randomise_auth(tpm, tpm::Hierarchy::platform, {}));
  return passwords;
}

/// The firmware went well, what follows did not.
Status note_failure(const Machine& machine, const Error& error) {
  SEALIFT_TRY(auto record, read_boot_record(machine.last_boot()));
  if (!record) return {};
  record->refusal = error;
  return replace_file(machine.last_boot(), as_bytes(boot_record_json(*record)));
}

/// From TPM2_Startup to what the firmware leaves behind. The connection to the TPM ends with it: a TPM serves
/// one client at a time, and the ultravisor is the next.
Result<Passwords> start_firmware(const Machine& machine) {
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(machine.tcti()));
  SEALIFT_CHECK(tpm::startup(tpm, tpm::StartupType::clear));
  SEALIFT_CHECK(run_measured_firmware(machine, tpm));
  return hand_over(machine, tpm);
}

Status check_ultravisor(const fs::path& program) {
  std::error_code error;
  if (fs::is_regular_file(program, error)) return {};
  return fail(ErrorCode::dependency_missing, fmt::format("there is no ultravisor {}", program.native()),
              "ultravisor");
}

}  // namespace

Status boot_machine(const Machine& machine, const BootOptions& options) {
  SEALIFT_CHECK(check_ultravisor(options.ultravisor));
  SEALIFT_TRY(const auto lock, machine.lock());
  SEALIFT_CHECK(power_off(machine, lock));
  PowerGuard guard{machine, lock};
  SEALIFT_CHECK(power_on_tpm(machine));
  SEALIFT_TRY(const auto passwords, start_firmware(machine));
  auto started = start_ultravisor(machine, options, passwords);
  if (started) {
    guard.keep();
  } else {
    static_cast<void>(note_failure(machine, started.error()));  // what is returned says more
  }
  return started;
}

Status power_off(const Machine& machine, const MachineLock&) {
  SEALIFT_CHECK(end_ultravisor(machine));
  return power_off_tpm(machine);
}

Status stop_machine(const Machine& machine) {
  SEALIFT_TRY(const auto lock, machine.lock());
  return power_off(machine, lock);
}

bool is_on(const Machine& machine) {
  return running_process(machine.tpm_process()) && running_process(machine.ultravisor_process());
}

Result<fs::path> ultravisor_beside_this_program(const Machine& machine) {
  SEALIFT_TRY(const auto known, read_description(machine.description()));
  std::error_code error;
  const auto self = fs::read_symlink("/proc/self/exe", error);
  const auto program =
      self.parent_path() / (known.tee == "pef" ? "sealift-pef-ultravisor" : "sealift-ultravisor");
  SEALIFT_CHECK(check_ultravisor(program));
  return program;
}

}  // namespace sealift::emulator
