// SPDX-License-Identifier: Apache-2.0
/// For tests: images with two files.
#pragma once

#include <limits>
#include <string>

#include "store/images.h"

namespace sealift::store::for_test {

inline constexpr ImageQuota kAmple{1000, std::numeric_limits<std::int64_t>::max()};

inline Bytes digest(char byte) { return Bytes(64, static_cast<std::uint8_t>(byte)); }

/// Its files have 300 bytes together.
inline ImageRecord image(const std::string& tenant, const std::string& id, const Bytes& kernel = digest('k'),
                         const Bytes& disk = digest('d')) {
  ImageRecord record;
  record.tenant = tenant;
  record.image_id = id;
  record.tee = "measured";
  record.arch = "x86_64";
  record.memory_mib = 512;
  record.created_at = 1000;
  record.files = {{"kernel", kernel, 100, false}, {"disk", disk, 200, false}};
  return record;
}

}  // namespace sealift::store::for_test
