// SPDX-License-Identifier: Apache-2.0
/// A file that is an ESM operand, or an initramfs that starts with one.
#pragma once

#include <filesystem>
#include <optional>

#include "formats/cpio/head.h"

namespace sealift::cli {

class OperandFile {
 public:
  /// Reads the operand, and of an initramfs nothing else. operand_missing, operand_malformed.
  static Result<OperandFile> read(const std::filesystem::path& path);

  ByteView operand() const noexcept { return head_ ? head_->operand() : ByteView{alone_}; }
  bool in_initramfs() const noexcept { return head_.has_value(); }

  /// The same file with another operand, as a new file that takes `out`'s place when it is complete; `out`
  /// may be the file itself. What follows the head of an initramfs is copied as it is.
  Status write_with(ByteView operand, const std::filesystem::path& out) const;

 private:
  OperandFile(std::filesystem::path path, Bytes alone) : path_{std::move(path)}, alone_{std::move(alone)} {}
  OperandFile(std::filesystem::path path, cpio::Head head) : path_{std::move(path)}, head_{std::move(head)} {}
  Status write_initramfs(ByteView head, const std::filesystem::path& out) const;
  std::filesystem::path path_;
  Bytes alone_;
  std::optional<cpio::Head> head_;
};

/// Where the initramfs digest of the file starts: behind its head archive, 0 where there is none.
Result<std::uint64_t> initramfs_rest(int fd);

}  // namespace sealift::cli
