// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <stdlib.h>  // mkdtemp
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sealift {
namespace {

ErrorCode code_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::no_space;
    case ECONNREFUSED:
      return ErrorCode::unavailable;
    case ETIMEDOUT:
      return ErrorCode::timeout;
    default:
      return ErrorCode::io_error;
  }
}

/// Fills `out` from the front; how much was there.
Result<std::size_t> read_some(int fd, std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got = ::read(fd, out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

tl::unexpected<Error> fail_too_large(const std::string& what, std::size_t limit) {
  return fail(ErrorCode::too_large, fmt::format("{} is larger than {} bytes", what, limit));
}

Result<std::uint64_t> checked_size(int fd, const std::filesystem::path& path, std::size_t limit) {
  SEALIFT_TRY(const auto size, file_size(fd));
  if (size > limit) return fail_too_large(path.string(), limit);
  return size;
}

Status write_synced(int fd, ByteView bytes) {
  SEALIFT_CHECK(write_all(fd, bytes));
  if (::fdatasync(fd) != 0) return fail_errno("fdatasync");
  return {};
}

}  // namespace

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

tl::unexpected<Error> fail_errno(const std::string& doing) {
  const int error = errno;
  return fail(code_for(error),
              fmt::format("{}: {}", doing, std::strerror(error)));  // NOLINT(concurrency-mt-unsafe)
}

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  UniqueFd fd{::open(path.c_str(), flags | O_CLOEXEC, mode)};
  if (!fd) return fail_errno("open " + path.string());
  return fd;
}

Result<std::uint64_t> file_size(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<Bytes> read_all(int fd, std::size_t limit) {
  Bytes bytes;
  while (bytes.size() <= limit) {
    const auto before = bytes.size();
    const auto want = std::min<std::size_t>(std::max<std::size_t>(before, 4096), limit + 1 - before);
    bytes.resize(before + want);
    SEALIFT_TRY(const auto got, read_some(fd, std::span{bytes}.subspan(before)));
    bytes.resize(before + got);
    if (got < want) return bytes;
  }
  return fail_too_large("the input", limit);
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY));
  auto bytes = read_all(fd.get(), limit);
  if (!bytes && bytes.error().code == ErrorCode::too_large) return fail_too_large(path.string(), limit);
  if (!bytes) bytes.error().message = path.string() + ": " + bytes.error().message;
  return bytes;
}

Result<SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t limit) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY));
  SEALIFT_TRY(const auto size, checked_size(fd.get(), path, limit));
  SecretBytes bytes{static_cast<std::size_t>(size)};
  SEALIFT_TRY(const auto got, read_some(fd.get(), bytes.expose_for_writing()));
  bytes.shrink(got);
  return bytes;
}

Status pread_exact(int fd, std::span<std::uint8_t> out, std::uint64_t offset) {
  while (!out.empty()) {
    const auto got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("pread");
    if (got == 0) return fail(ErrorCode::truncated, fmt::format("the file ends at offset {}", offset));
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Status pwrite_all(int fd, ByteView bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("pwrite");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Status write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Status write_file(const std::filesystem::path& path, ByteView bytes, mode_t mode) {
  auto beside = path.string() + ".XXXXXX";
  const UniqueFd fd{::mkostemp(beside.data(), O_CLOEXEC)};
  if (!fd) return fail_errno("create " + beside);
  auto status = write_synced(fd.get(), bytes);
  if (status && ::fchmod(fd.get(), mode) != 0) status = fail_errno("fchmod " + beside);
  if (status && ::rename(beside.c_str(), path.c_str()) != 0) status = fail_errno("write " + path.string());
  if (!status) ::unlink(beside.c_str());
  return status;
}

Status write_new_secret_file(const std::filesystem::path& path, ByteView secret) {
  SEALIFT_TRY(const auto fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  auto status = write_synced(fd.get(), secret);
  if (status) status = sync_directory(parent_directory(path));
  if (!status) ::unlink(path.c_str());
  return status;
}

std::filesystem::path parent_directory(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

Status sync_directory(const std::filesystem::path& path) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("sync " + path.string());
  return {};
}

Result<TemporaryDirectory> TemporaryDirectory::create(const std::string& prefix) {
  std::error_code ignored;
  auto pattern = (std::filesystem::temp_directory_path(ignored) / (prefix + ".XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail_errno("mkdtemp " + pattern);
  return TemporaryDirectory{pattern};
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace sealift
