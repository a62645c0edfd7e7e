// SPDX-License-Identifier: Apache-2.0
/// For tests: the disk beneath SQLite. It can be full, it counts syncs, and it knows what a loss of power
/// would leave.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/bytes.h"

namespace sealift::sql::disk_for_test {

/// While it lives, no file that SQLite writes may become larger than `size`: such a write fails with `error`.
class FileSizeLimit {
 public:
  FileSizeLimit(std::int64_t size, int error);
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit();
};

/// While it lives, every sync of a file is counted and remembered. One at a time.
class SyncRecorder {
 public:
  SyncRecorder();
  SyncRecorder(const SyncRecorder&) = delete;
  SyncRecorder& operator=(const SyncRecorder&) = delete;
  ~SyncRecorder();
  int syncs() const;
  /// Files by name, each as it was when it was last synced.
  std::map<std::string, Bytes> after_loss_of_power() const;
};

}  // namespace sealift::sql::disk_for_test
