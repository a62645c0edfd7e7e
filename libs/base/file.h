// SPDX-License-Identifier: Apache-2.0
/// Files: descriptors with one owner, bounded reads, writes that leave the whole file or nothing.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace sealift {

/// A file descriptor with one owner. -1 is none.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_{fd} {}
  UniqueFd(UniqueFd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd();

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept { *this = UniqueFd{}; }

 private:
  int fd_ = -1;
};

/// The error for `errno` as it is now: "open /x: No such file or directory". Picks not_found, no_space, ….
tl::unexpected<Error> fail_errno(const std::string& doing);

/// Opened close-on-exec. `flags` and `mode` as open(2) takes them.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);
Result<std::uint64_t> file_size(int fd);

/// The whole file, refused when larger than `limit`.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit);
/// The same for a secret: no other copy of it is made.
Result<SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t limit);
/// Up to `limit` bytes until the end of `fd`; too_large where there is more.
Result<Bytes> read_all(int fd, std::size_t limit);
/// Exactly `out.size()` bytes from `offset` on.
Status pread_exact(int fd, std::span<std::uint8_t> out, std::uint64_t offset);
Status pwrite_all(int fd, ByteView bytes, std::uint64_t offset);
Status write_all(int fd, ByteView bytes);

/// Writes beside `path`, syncs, renames: the old file or the new one, whole.
Status write_file(const std::filesystem::path& path, ByteView bytes, mode_t mode = 0644);

/// A secret into a file that must not be there yet, for this user alone, synced with its name.
Status write_new_secret_file(const std::filesystem::path& path, ByteView secret);
/// The directory that `path` is in: "." for a plain name.
std::filesystem::path parent_directory(const std::filesystem::path& path);
/// Its entries outlast a power failure from here on.
Status sync_directory(const std::filesystem::path& path);

/// A directory under $TMPDIR (or /tmp) of this process alone; removed with everything in it.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> create(const std::string& prefix = "sealift");
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_{std::exchange(other.path_, {})} {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_{std::move(path)} {}
  std::filesystem::path path_;
};

}  // namespace sealift
