// SPDX-License-Identifier: Apache-2.0
#include "objects/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sealift::objects {

Result<UniqueFd> open_locked(const std::filesystem::path& path, int flags, Locking locking) {
  SEALIFT_TRY(auto fd, open_file(path, flags | O_NOFOLLOW, 0644));
  while (::flock(fd.get(), locking == Locking::wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::conflict, path.string() + " is being written by somebody else");
    if (errno != EINTR) return fail_errno("lock " + path.string());
  }
  struct stat ours{};
  struct stat named{};
  if (::fstat(fd.get(), &ours) != 0) return fail_errno("stat " + path.string());
  // Who held the lock before may have renamed or removed the file.
  if (::lstat(path.c_str(), &named) != 0 || ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
    return fail(ErrorCode::not_found, path.string() + " is not there any more");
  return fd;
}

Status sync_directory(const std::filesystem::path& directory) {
  SEALIFT_TRY(const auto fd, open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("sync " + directory.string());
  return {};
}

}  // namespace sealift::objects
