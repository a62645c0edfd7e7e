// SPDX-License-Identifier: Apache-2.0
/// A tree of files as a stream of entries, wherever it comes from.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::image {

struct ExtendedAttribute {
  std::string name;  ///< "security.capability"
  Bytes value;
};

struct TreeEntry {
  std::string path;  ///< "usr/bin/env": no "/" at either end, no ".", "..", "" within; "" is the root itself
  mode_t mode = 0;   ///< type and permissions
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime = 0;   ///< seconds since 1970
  std::uint64_t size = 0;   ///< of a regular file
  std::uint32_t major = 0;  ///< of a device
  std::uint32_t minor = 0;
  std::string link_target;  ///< of a symbolic link
  std::string
      hard_link_to;  ///< path of an earlier entry that this one is another name of; "" where it is none
  std::vector<ExtendedAttribute> attributes;  ///< "user.", "security." and "trusted." only
};

struct Piece {
  std::uint64_t offset;  ///< in the file; what no piece covers is a hole
  ByteView bytes;        ///< valid until the next call
};

class TreeSource {
 public:
  virtual ~TreeSource() = default;
  /// The next entry, nothing at the end. Errors name the entry.
  virtual Result<std::optional<TreeEntry>> next() = 0;
  /// The next piece of the entry that next() gave last, nothing at its end.
  virtual Result<std::optional<Piece>> next_piece() = 0;
};

/// The path of an entry in its one form, from "./usr//bin/", "/usr/bin" and the like. malformed for "..", for
/// names that ext4 cannot hold (255 bytes), control characters, and paths of 4096 bytes or more.
Result<std::string> canonical_path(std::string_view path);

}  // namespace sealift::image
