// SPDX-License-Identifier: Apache-2.0
/// What a machine is (decided when it was made) and how its last boot ended, as the files beside it say.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tpm/profile.h"

namespace sealift::emulator {

/// machine.json.
struct Description {
  std::string tee = "measured";  ///< or "pef": which ultravisor its firmware starts
  tpm::KeyKind ek = tpm::KeyKind::rsa2048;
  tpm::Handle ek_handle = 0;
  std::string ek_fingerprint;  ///< SHA-256 of the EK's SubjectPublicKeyInfo, hexadecimal
  tpm::KeyKind storage_key = tpm::KeyKind::rsa2048;
  tpm::Handle storage_key_handle = 0;
  std::string storage_key_name;  ///< hexadecimal
  std::string expected_pcrs;     ///< PcrValues text: the policy the storage key was made for
};

/// boot.json.
struct BootRecord {
  std::string at;    ///< UTC, "2026-11-23T14:40:00Z"
  std::string pcrs;  ///< PcrValues text: PCR 6 in all active banks, read from the TPM when the firmware ended
  std::optional<Error> refusal;
};

/// rsa2048 or p256; invalid_argument for other text.
Result<tpm::KeyKind> key_kind_from_name(std::string_view name);

Result<Description> read_description(const std::filesystem::path& file);
/// What read_description() reads.
std::string description_json(const Description& description);
/// No value where the machine was never booted.
Result<std::optional<BootRecord>> read_boot_record(const std::filesystem::path& file);
/// What read_boot_record() reads.
std::string boot_record_json(const BootRecord& record);

}  // namespace sealift::emulator
