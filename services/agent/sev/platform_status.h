// SPDX-License-Identifier: Apache-2.0
/// What the PSP says of itself to the kernel: SEV_PLATFORM_STATUS at /dev/sev (linux/psp-sev.h).
#pragma once

#include <filesystem>

#include "base/result.h"

namespace sealift::agent {

struct SevPlatformStatus {
  std::uint8_t api_major = 0;
  std::uint8_t api_minor = 0;
  std::uint8_t build = 0;
  std::uint8_t state = 0;  ///< 0 uninitialised, 1 initialised, 2 working
  std::uint32_t guests = 0;
};

/// not_found where there is no such device, permission_denied where it is not ours to ask; io_error.
Result<SevPlatformStatus> sev_platform_status(const std::filesystem::path& device = "/dev/sev");

}  // namespace sealift::agent
