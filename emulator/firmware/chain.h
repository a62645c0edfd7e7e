// SPDX-License-Identifier: Apache-2.0
/// The firmware's way from power-on to OPAL (design, Fig. 7A and section 6, "Every boot"): each stage's
/// signature is verified before it gets control, and the machine's state is measured into PCR 6.
///
/// Pure: the TPM is behind `Measure`, so the same code predicts and boots.
#pragma once

#include <functional>

#include "emulator/firmware/vendor.h"
#include "tpm/reference.h"

namespace sealift::emulator {

/// What the machine's chip holds besides the flash.
struct Chip {
  crypto::Digest hardware_key_hash;  ///< SEEPROM: SHA-512 of the keys that may sign this machine's firmware
  bool secure_boot_jumper = true;    ///< off: signatures are not enforced, and PCR 6 says so
  bool pef_enabled = true;
};

/// Extends the event's PCR and writes it to the log.
using Measure = std::function<Status(const tpm::MeasuredEvent&)>;

/// The inputs of this machine's PCR 6: what the firmware in `flash` will measure on `chip`.
/// firmware_signature_invalid where the mutable loader, which holds the verification code, cannot be read.
Result<tpm::FirmwareInputs> firmware_inputs(const Flash& flash, const Chip& chip);

/// Runs the chain:
///   1. the chip verifies the immutable loader, that the mutable loader;
///   2. the mutable loader measures the hardware key hash, the secure-boot jumper, and the hash of its
///   payload, which
///      is the secure-boot verification code;
///   3. that code verifies host boot loader, init, ext and OPAL, each before it gets control;
///   4. OPAL measures the separator and the PEF-enable bit.
/// The first refusal ends it: firmware_keys_differ or firmware_signature_invalid, the field naming the
/// component.
Status run_firmware(const Flash& flash, const Chip& chip, const Measure& measure);

}  // namespace sealift::emulator
