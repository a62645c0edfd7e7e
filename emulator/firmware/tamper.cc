// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/tamper.h"

#include "emulator/firmware/vendor.h"

namespace sealift::emulator {

Result<Bytes> tamper(ByteView container, Component component, Tampering how) {
  SEALIFT_TRY(auto parsed, Container::parse(container));
  switch (how) {
    case Tampering::payload:
      if (parsed.payload.empty())
        return fail(ErrorCode::invalid_argument, "this component has no payload", "payload");
      parsed.payload.back() ^= 1U;
      break;
    case Tampering::signature:
      if (parsed.firmware_signature.empty()) {
        return fail(ErrorCode::invalid_argument, "this component has no signature", "signature");
      }
      parsed.firmware_signature.back() ^= 1U;
      break;
    case Tampering::hardware_keys: {
      SEALIFT_TRY(const auto stranger, Vendor::generate());
      SEALIFT_TRY(parsed, stranger.sign(component, parsed.version, parsed.payload));
      break;
    }
  }
  return parsed.serialize();
}

}  // namespace sealift::emulator
