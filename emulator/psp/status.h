// SPDX-License-Identifier: Apache-2.0
/// What a PSP says to a command: AMD 55766, chapter "Status codes", the values that Linux's psp-sev.h has
/// too.
#pragma once

#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>

namespace sealift::emulator {

enum class PspStatus : std::uint8_t {
  success = 0,
  invalid_platform_state = 1,
  invalid_guest_state = 2,
  invalid_length = 4,
  already_owned = 5,
  invalid_certificate = 6,
  policy_failure = 7,
  invalid_address = 9,
  bad_signature = 0xA,
  bad_measurement = 0xB,
  invalid_guest = 0x10,
  unsupported = 0x15,
  invalid_parameter = 0x16,
};

/// In the words of QEMU's fw_error_to_str: users look for them.
std::string_view text(PspStatus status) noexcept;

/// A command's answer, or the code with which it was refused.
template <typename T>
using PspAnswer = tl::expected<T, PspStatus>;

inline tl::unexpected<PspStatus> refused(PspStatus status) { return tl::unexpected{status}; }

}  // namespace sealift::emulator
