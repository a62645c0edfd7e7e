// SPDX-License-Identifier: Apache-2.0
/// What `sealift esm show` tells about an operand of either format without any key. Nothing here is verified.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "formats/esm/operand.h"
#include "formats/ibm_esm/blob.h"

namespace sealift::formats {

enum class Format : std::uint8_t { sealift_esm_v1, ibm_esm };

/// "sealift,esm-v1", "ibm,esm".
std::string_view name(Format format) noexcept;

struct DescribedTarget {
  Bytes storage_key_name;
  Bytes policy;
};
struct DescribedLockbox {
  std::string name;
  Bytes fingerprint;
  std::string comment;
};
struct DescribedEntry {
  std::string
      name;  ///< "integrity" and customer data's names; "digests-fdt" and attachments' names for ibm,esm
  std::size_t size;  ///< bytes of plaintext, which are as many as of ciphertext
};

struct Description {
  Format format;
  std::size_t total_size;
  std::optional<esm::ImageId> image_id;     ///< sealift,esm-v1 only
  std::vector<DescribedTarget> targets;     ///< sealift,esm-v1 only
  std::vector<DescribedLockbox> lockboxes;  ///< ibm,esm only
  std::vector<DescribedEntry> payload;
};

/// Which format it is, by `compatible` alone. operand_malformed where it is no device tree, unsupported for
/// another.
Result<Format> format_of(ByteView operand);
/// Parses it strictly and tells.
Result<Description> describe(ByteView operand);

}  // namespace sealift::formats
