// SPDX-License-Identifier: Apache-2.0
/// What somebody with access to the flash can do to one component.
#pragma once

#include "emulator/firmware/container.h"

namespace sealift::emulator {

enum class Tampering : std::uint8_t {
  payload,        ///< one bit of the code
  signature,      ///< one bit of the firmware key's signature
  hardware_keys,  ///< the whole component signed again, rightly, by keys of one's own
};

/// The container, changed in that way and still well-formed.
Result<Bytes> tamper(ByteView container, Component component, Tampering how);

}  // namespace sealift::emulator
