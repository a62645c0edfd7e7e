// SPDX-License-Identifier: Apache-2.0
/// Where emulated machines live: the machines directory, one folder per machine in it, and what is in that
/// folder. emulator/README.md has the layout.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace sealift::emulator {

/// ${XDG_DATA_HOME:-~/.local/share}/sealift/machines. not_found where neither variable nor home is known.
Result<std::filesystem::path> default_machines_directory();

/// Held while something changes in a machine; others wait.
class MachineLock {
 public:
  explicit MachineLock(UniqueFd fd) noexcept : fd_{std::move(fd)} {}

 private:
  UniqueFd fd_;  // flock(2) goes with it
};

/// One machine's folder. Only paths: nothing is read before somebody asks.
class Machine {
 public:
  /// A name is 1 to 63 of a-z, 0-9, '.', '_', '-', begins with a letter or digit, and is not "ca" or
  /// "firmware". invalid_argument otherwise, also where the sockets' paths would be too long for sun_path.
  static Result<Machine> at(const std::filesystem::path& machines, const std::string& name);
  /// The same for a machine that is there; not_found otherwise.
  static Result<Machine> find(const std::filesystem::path& machines, const std::string& name);
  /// All there are, by name.
  static Result<std::vector<Machine>> all(const std::filesystem::path& machines);

  const std::string& name() const noexcept { return name_; }
  const std::filesystem::path& machines() const noexcept { return machines_; }
  std::filesystem::path path() const { return machines_ / name_; }

  std::filesystem::path tpm_state() const { return path() / "tpm"; }
  std::filesystem::path tpm_socket() const { return path() / "tpm.sock"; }
  std::filesystem::path tpm_control_socket() const { return path() / "tpm.sock.ctrl"; }
  std::filesystem::path tpm_process() const { return path() / "swtpm.pid"; }
  std::filesystem::path flash() const { return path() / "flash"; }
  std::filesystem::path chip() const { return path() / "chip.json"; }
  std::filesystem::path description() const { return path() / "machine.json"; }
  std::filesystem::path ek_certificate() const { return path() / "ek-certificate.der"; }
  std::filesystem::path platform_certificate() const { return path() / "platform-certificate.der"; }
  std::filesystem::path wrapping_key() const { return path() / "wrapping-key.pem"; }
  std::filesystem::path event_log() const { return path() / "event.log"; }
  /// What a machine that is bound to an approver is given (tee/approval_files.h).
  std::filesystem::path approvals() const { return path() / "approvals"; }
  std::filesystem::path last_boot() const { return path() / "boot.json"; }
  std::filesystem::path ultravisor_socket() const { return path() / "ultravisor.sock"; }
  std::filesystem::path ultravisor_process() const { return path() / "ultravisor.pid"; }
  std::filesystem::path log(const std::string& program) const { return path() / (program + ".log"); }

  /// How TPM clients reach this machine's TPM: "swtpm:path=…".
  std::string tcti() const { return "swtpm:path=" + tpm_socket().native(); }

  Result<MachineLock> lock() const;

 private:
  Machine(std::filesystem::path machines, std::string name)
      : machines_{std::move(machines)}, name_{std::move(name)} {}
  std::filesystem::path machines_;
  std::string name_;
};

}  // namespace sealift::emulator
