// SPDX-License-Identifier: Apache-2.0
/// Who makes firmware for emulated machines: development keys, and the sets of components they sign.
#pragma once

#include <array>
#include <filesystem>
#include <string_view>

#include "emulator/firmware/container.h"

namespace sealift::emulator {

/// All components, in boot order, each a serialized container.
using Flash = std::array<Bytes, kComponents.size()>;

inline Bytes& part(Flash& flash, Component component) {
  return flash.at(static_cast<std::size_t>(component));
}
inline const Bytes& part(const Flash& flash, Component component) {
  return flash.at(static_cast<std::size_t>(component));
}

/// Three hardware keys and one firmware key, P-256.
class Vendor {
 public:
  static Result<Vendor> generate();
  /// From the four PEM files that save() writes.
  static Result<Vendor> load(const std::filesystem::path& directory);
  /// hardware-key-{a,b,c}.pem and firmware-key.pem, readable by the owner only.
  Status save(const std::filesystem::path& directory) const;

  Result<Container> sign(Component component, std::string_view version, ByteView payload) const;
  /// What a machine that runs this vendor's firmware keeps in its SEEPROM.
  Result<crypto::Digest> hardware_key_hash() const;

 private:
  static constexpr std::size_t kKeys = kHardwareKeys + 1;
  explicit Vendor(std::vector<crypto::PrivateKey> keys) : keys_{std::move(keys)} {}
  const crypto::PrivateKey& firmware_key() const { return keys_.back(); }
  Result<std::array<RawKey, kHardwareKeys>> raw_hardware_keys() const;
  std::vector<crypto::PrivateKey> keys_;
};

/// Firmware that every machines directory offers.
struct FirmwareSet {
  std::string_view name;
  std::string_view vendor;                ///< whose keys sign it: a folder of keys
  std::string_view verification_version;  ///< of the secure-boot verification code, in the mutable loader
  std::string_view version;               ///< of all other components
};

/// "default"; "next", with another verification code; "foreign", the default's code by another vendor.
const std::array<FirmwareSet, 3>& firmware_sets() noexcept;
/// invalid_argument, with all names in the message, for any other text.
Result<const FirmwareSet*> firmware_set_from_name(std::string_view name);

/// The set's components. Payloads are a function of component and version.
Result<Flash> build_firmware(const Vendor& vendor, const FirmwareSet& set);

}  // namespace sealift::emulator
