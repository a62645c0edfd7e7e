// SPDX-License-Identifier: Apache-2.0
/// One firmware component as it lies in the flash: a signed container, modelled on OpenPOWER's secure boot
/// containers. emulator/README.md has the layout.
///
/// Two signatures deep: three hardware keys, known to the machine by their hash, sign the prefix header,
/// which names the vendor's firmware key; the firmware key signs the software header, which names the
/// component, its version and its payload's digest. All signatures are ECDSA on P-256 with SHA-256, all
/// digests SHA-512.
///
/// Input is hostile: whoever has a screwdriver writes the flash. parse() says only that the container is
/// well-formed; verify() says whose it is.
#pragma once

#include <array>
#include <string>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "emulator/firmware/component.h"

namespace sealift::emulator {

inline constexpr std::size_t kHardwareKeys = 3;
inline constexpr std::size_t kContainerLimit = 16U << 20U;

/// The point of a P-256 key: x ‖ y, big-endian, 32 bytes each.
using RawKey = std::array<std::uint8_t, 64>;

struct Container {
  std::array<RawKey, kHardwareKeys> hardware_keys{};
  // Prefix header.
  RawKey firmware_key{};
  std::array<Bytes, kHardwareKeys> hardware_signatures;  ///< DER, over prefix_header()
  // Software header.
  std::string component;  ///< at most 32 bytes of a-z and '-'
  std::string version;    ///< at most 32 printable ASCII characters
  std::array<std::uint8_t, 64> payload_digest{};
  Bytes firmware_signature;  ///< DER, over software_header()
  Bytes payload;

  /// Strict: exact lengths, nothing behind the payload. truncated, malformed, too_large or unsupported
  /// otherwise.
  static Result<Container> parse(ByteView bytes);
  /// parse(x)->serialize() is x.
  Bytes serialize() const;

  /// What the hardware keys sign.
  Bytes prefix_header() const;
  /// What the firmware key signs.
  Bytes software_header() const;
};

/// SHA-512 over the three hardware keys, one after the other: what a machine keeps in its SEEPROM.
crypto::Digest hardware_key_hash(const Container& container);

/// x ‖ y of a P-256 key; key_unsupported for any other.
Result<RawKey> raw_key(const crypto::PublicKey& key);

/// A component that may run: firmware_keys_differ where the hardware keys are not those of `hardware_keys`
/// (SHA-512, 64 bytes); firmware_signature_invalid where a signature, the payload or the component's name
/// does not match. The error's field is the component's name.
Status verify_container(const Container& container, Component component, const crypto::Digest& hardware_keys);

}  // namespace sealift::emulator
