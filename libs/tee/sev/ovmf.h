// SPDX-License-Identifier: Apache-2.0
/// What an OVMF flash image says about itself (edk2 OvmfPkg/ResetVector, "GUIDed structures").
///
/// At file bytes -48 to -32 lies GUID 96b582de-1fb2-45f7-baea-a366c55a082d, before it a u16: the table's
/// length with GUID and u16. Entries go backwards from there: data, u16 length (of data + 18), GUID.
/// Little-endian. Where the areas lie differs between builds, so the footer is always read.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace sealift::sev {

inline constexpr std::size_t kFirmwareLimit = 64UL * 1024 * 1024;

/// In the guest's memory.
struct GuestArea {
  std::uint32_t base = 0;
  std::uint32_t size = 0;
  bool operator==(const GuestArea&) const = default;
};

/// nullopt where the firmware does not say, or says base or size 0, as builds do that cannot do it.
struct OvmfFooter {
  std::optional<GuestArea> secret_area;        ///< 4c2eb361-7d9b-4cc3-8081-127c90d3d294: for LAUNCH_SECRET
  std::optional<GuestArea> hash_table_area;    ///< 7255371f-3a3b-4b04-927b-1da6efa8d454: for kernel-hashes=on
  std::optional<std::uint32_t> reset_address;  ///< 00f771de-1a7e-4fcb-890e-68c77e2fb44e: where APs start (ES)
  bool has_sev_metadata = false;               ///< dc886566-984a-4798-a75e-5585a7bf67cc

  /// sev_firmware_unsuitable at "firmware.footer" for firmware without a footer; malformed or truncated there
  /// for one that is broken, or has an entry of ours twice or of another size.
  static Result<OvmfFooter> parse(ByteView firmware);

  /// Or sev_firmware_unsuitable at "firmware.secret_area", "firmware.hash_table_area", saying what it cannot
  /// do.
  Result<GuestArea> need_secret_area() const;
  Result<GuestArea> need_hash_table_area() const;
  Result<std::uint32_t> need_reset_address() const;
};

}  // namespace sealift::sev
