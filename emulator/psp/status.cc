// SPDX-License-Identifier: Apache-2.0
#include "emulator/psp/status.h"

namespace sealift::emulator {

std::string_view text(PspStatus status) noexcept {
  switch (status) {
    case PspStatus::success:
      return "";
    case PspStatus::invalid_platform_state:
      return "Platform state is invalid";
    case PspStatus::invalid_guest_state:
      return "Guest state is invalid";
    case PspStatus::invalid_length:
      return "Buffer too small";
    case PspStatus::already_owned:
      return "Platform is already owned";
    case PspStatus::invalid_certificate:
      return "Certificate is invalid";
    case PspStatus::policy_failure:
      return "Policy is not allowed";
    case PspStatus::invalid_address:
      return "Invalid address";
    case PspStatus::bad_signature:
      return "Bad signature";
    case PspStatus::bad_measurement:
      return "Bad measurement";
    case PspStatus::invalid_guest:
      return "Guest handle is invalid";
    case PspStatus::unsupported:
      return "Feature not supported";
    case PspStatus::invalid_parameter:
      return "Invalid parameter";
  }
  return "unknown error";
}

}  // namespace sealift::emulator
