// SPDX-License-Identifier: Apache-2.0
/// Fills an empty ext4 file system with the entries of a tree, by libext2fs: no mount, no root rights.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "guest/image/tree/source.h"

struct struct_ext2_filsys;  // libext2fs's own handle

namespace sealift::image {

class Ext4Writer {
 public:
  /// `fd` is an ext4 file system as mke2fs makes it.
  static Result<Ext4Writer> open(int fd);
  Ext4Writer(Ext4Writer&&) noexcept = default;
  Ext4Writer& operator=(Ext4Writer&&) noexcept = default;
  Ext4Writer(const Ext4Writer&) = delete;
  Ext4Writer& operator=(const Ext4Writer&) = delete;
  ~Ext4Writer() = default;

  /// Adds an entry; parents that the tree did not name are made (0755, root). A directory may come again,
  /// which sets its owner and mode. no_space where the file system is full; malformed where the entry cannot
  /// be.
  Status add(const TreeEntry& entry);
  /// Adds to the content of the last entry, a regular file.
  Status write(const Piece& piece);
  /// Writes out everything. Nothing may be added afterwards.
  Status finish();

 private:
  struct Handle;
  struct HandleCloser {
    void operator()(Handle* handle) const noexcept;
  };
  explicit Ext4Writer(std::unique_ptr<Handle, HandleCloser> handle);
  std::unique_ptr<Handle, HandleCloser> handle_;
};

}  // namespace sealift::image
