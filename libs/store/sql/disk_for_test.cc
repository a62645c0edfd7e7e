// SPDX-License-Identifier: Apache-2.0
#include "store/sql/disk_for_test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "base/file.h"

namespace sealift::sql::disk_for_test {
namespace {

std::atomic<std::int64_t> size_limit = 0;
std::atomic<int> limit_error = 0;

ssize_t limited_pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  const int error = limit_error;
  if (error == 0 || offset + static_cast<off_t>(size) <= size_limit) return ::pwrite(fd, data, size, offset);
  errno = error;
  return -1;
}

/// Where SQLite's own layer for Unix keeps the calls that it makes.
void set_pwrite(sqlite3_syscall_ptr call) {
  auto* const vfs = sqlite3_vfs_find(nullptr);
  int replaced = 0;
  for (const auto* name : {"pwrite", "pwrite64"}) {
    if (vfs->xGetSystemCall(vfs, name) != nullptr && vfs->xSetSystemCall(vfs, name, call) == SQLITE_OK)
      ++replaced;
  }
  if (replaced == 0) std::abort();
}

std::mutex mutex;
bool recording = false;
int sync_count = 0;
std::map<std::string, Bytes> synced;

void record(int fd) {
  const std::scoped_lock lock{mutex};
  if (!recording) return;
  ++sync_count;
  std::error_code ignored;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored);
  Bytes content(static_cast<std::size_t>(file_size(fd).value_or(0)));
  if (pread_exact(fd, content, 0)) synced[path.filename()] = std::move(content);
}

}  // namespace

FileSizeLimit::FileSizeLimit(std::int64_t size, int error) {
  size_limit = size;
  limit_error = error;
  set_pwrite(reinterpret_cast<sqlite3_syscall_ptr>(&limited_pwrite));
}
FileSizeLimit::~FileSizeLimit() {
  limit_error = 0;
  set_pwrite(nullptr);
}

SyncRecorder::SyncRecorder() {
  const std::scoped_lock lock{mutex};
  recording = true;
  sync_count = 0;
  synced.clear();
}
SyncRecorder::~SyncRecorder() {
  const std::scoped_lock lock{mutex};
  recording = false;
}
int SyncRecorder::syncs() const {
  const std::scoped_lock lock{mutex};
  return sync_count;
}
std::map<std::string, Bytes> SyncRecorder::after_loss_of_power() const {
  const std::scoped_lock lock{mutex};
  return synced;
}

}  // namespace sealift::sql::disk_for_test

/// In the place of the C library's, for SQLite's library too: the program's own symbols come first.
extern "C" int fdatasync(int fd) {
  sealift::sql::disk_for_test::record(fd);
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd) {
  sealift::sql::disk_for_test::record(fd);
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
