// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/pinned_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace sealift::ultravisor {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

Result<std::uint64_t> size_of(int source, const std::string& what) {
  struct stat status{};
  if (::fstat(source, &status) != 0) return fail_errno("fstat the " + what);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_argument, fmt::format("the {} is not a regular file", what), what);
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Status copy(int from, int to, std::uint64_t size, const std::string& what) {
  off_t offset = 0;
  while (static_cast<std::uint64_t>(offset) < size) {
    const auto left = size - static_cast<std::uint64_t>(offset);
    const auto moved = ::sendfile(to, from, &offset, std::min<std::uint64_t>(left, 1U << 30U));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return fail_errno("copy the " + what);
    if (moved == 0)
      return fail(ErrorCode::truncated, fmt::format("the {} became shorter while it was read", what), what);
  }
  return {};
}

}  // namespace

Result<PinnedFile> PinnedFile::pin(std::span<const int> sources, std::uint64_t limit,
                                   const std::string& what) {
  UniqueFd memory{::memfd_create(what.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!memory) return fail_errno("memfd_create");
  std::uint64_t total = 0;
  for (const int source : sources) {
    SEALIFT_TRY(const auto size, size_of(source, what));
    if (size > limit - total)
      return fail(ErrorCode::too_large, fmt::format("the {} exceeds {} bytes", what, limit), what);
    SEALIFT_CHECK(copy(source, memory.get(), size, what));
    total += size;
  }
  if (::fchmod(memory.get(), 0444) != 0) return fail_errno("fchmod");  // QEMU runs as another user
  if (::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0) return fail_errno("F_ADD_SEALS");
  return PinnedFile{std::move(memory), total};
}

Result<Bytes> PinnedFile::prefix(std::size_t count) const {
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(count, size_)));
  SEALIFT_CHECK(pread_exact(fd_.get(), bytes, 0));
  return bytes;
}

Result<crypto::Digest> PinnedFile::sha512(std::uint64_t offset) const {
  return crypto::digest_file(crypto::HashAlgorithm::sha512, fd_.get(), offset);
}

}  // namespace sealift::ultravisor
