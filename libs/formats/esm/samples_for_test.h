// SPDX-License-Identifier: Apache-2.0
/// Operands and their parts for tests and fuzzing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/esm/operand.h"
#include "formats/esm/verify.h"

namespace sealift::esm::samples {

inline Seed seed(std::uint8_t fill = 0x42) {
  std::array<std::uint8_t, kSeedSize> bytes{};
  bytes.fill(fill);
  return Seed{std::span<std::uint8_t, kSeedSize>{bytes}};
}

inline ImageId image_id(std::uint8_t fill = 0x17) {
  std::array<std::uint8_t, ImageId::kSize> bytes{};
  bytes.fill(fill);
  return ImageId{bytes};
}

inline crypto::Digest sha512(std::string_view text) {
  return crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(text));
}

inline IntegrityInformation integrity() {
  return {sha512("kernel"), sha512("initrd"), sha512("root=/dev/vda"), std::nullopt, std::nullopt};
}

inline Measured measured() {
  return {sha512("kernel"), sha512("initrd"), sha512("root=/dev/vda"), std::nullopt};
}

inline std::vector<CustomerData> customer_data() {
  std::vector<CustomerData> data;
  data.push_back({"root-disk", SecretBytes::copy_of(as_bytes("correct horse battery"))});
  data.push_back({"db-password", SecretBytes::copy_of(as_bytes("staple"))});
  return data;
}

inline Operand operand(std::size_t reserved_size = 4096) {
  return make(seed(), image_id(), integrity(), customer_data(), reserved_size).value();
}

/// As large as an RSA-2048 storage key makes one.
inline Target target(std::uint8_t fill) {
  return {Bytes(34, fill), Bytes(32, 2), Bytes(80, 3), Bytes(200, 4), Bytes(258, 5)};
}

}  // namespace sealift::esm::samples
