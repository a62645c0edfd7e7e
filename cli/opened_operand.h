// SPDX-License-Identifier: Apache-2.0
/// An operand of either format with the key that opens it: what its payload's integrity information says.
#pragma once

#include <filesystem>
#include <optional>

#include "formats/describe.h"
#include "formats/esm/integrity.h"

namespace sealift::cli {

/// The seed of a `sealift,esm-v1` operand, or the private key of a recipient of an `ibm,esm` blob.
struct OperandKey {
  std::filesystem::path seed;
  std::filesystem::path key;
  bool given() const noexcept { return !seed.empty() || !key.empty(); }
};

/// invalid_argument where `key` does not fit the format; hmac_differs, no_lockbox_for_key, decryption_failed,
/// authentication_failed.
Result<esm::IntegrityInformation> open_integrity(ByteView operand, formats::Format format,
                                                 const OperandKey& key);

}  // namespace sealift::cli
