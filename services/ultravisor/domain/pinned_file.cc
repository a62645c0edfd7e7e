// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/pinned_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

namespace sealift::ultravisor {
namespace {

constexpr std::size_t kPiece = std::size_t{256} * 1024;  // compared at once: what a processor keeps at hand
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

/// Does `source` have these bytes from its start on?
bool starts_with(int source, ByteView bytes) {
  Bytes piece(std::min(kPiece, bytes.size()));
  for (std::uint64_t done = 0; done < bytes.size(); done += piece.size()) {
    const auto expected =
        bytes.subspan(static_cast<std::size_t>(done))
            .first(std::min<std::size_t>(piece.size(), bytes.size() - static_cast<std::size_t>(done)));
    const auto found = std::span{piece}.first(expected.size());
    if (!pread_exact(source, found, done)) return false;
    if (std::memcmp(found.data(), expected.data(), expected.size()) != 0) return false;
  }
  return true;
}

/// The same memory, opened anew: who gets this one can neither write nor see where another reads.
Result<UniqueFd> for_reading(const UniqueFd& memory) {
  return open_file(fmt::format("/proc/self/fd/{}", memory.get()), O_RDONLY);
}

}  // namespace

/// A sealed memory file, and where this process sees it. Nobody can shorten it below a reader.
class PinnedFile::Memory {
 public:
  static Result<std::shared_ptr<const Memory>> map(UniqueFd fd, std::uint64_t size) {
    void* address = nullptr;
    if (size > 0) address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (address == MAP_FAILED) return fail_errno("mmap");
    return std::make_shared<const Memory>(std::move(fd), address, size);
  }
  Memory(UniqueFd fd, void* address, std::uint64_t size)
      : fd_{std::move(fd)}, address_{address}, size_{size} {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  Memory(Memory&&) = delete;
  Memory& operator=(Memory&&) = delete;
  ~Memory() {
    if (size_ > 0) ::munmap(address_, size_);
  }

  int fd() const noexcept { return fd_.get(); }
  ByteView bytes() const noexcept { return {static_cast<const std::uint8_t*>(address_), size_}; }

 private:
  UniqueFd fd_;
  void* address_;
  std::uint64_t size_;
};

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
  SEALIFT_TRY(auto reading, for_reading(memory));
  SEALIFT_TRY(auto mapped, Memory::map(std::move(reading), total));
  return PinnedFile{std::move(mapped)};
}

int PinnedFile::fd() const noexcept { return memory_->fd(); }
ByteView PinnedFile::bytes() const noexcept { return memory_->bytes(); }

Bytes PinnedFile::prefix(std::size_t count) const {
  return to_bytes(bytes().first(std::min<std::size_t>(count, bytes().size())));
}

crypto::Digest PinnedFile::sha512(std::uint64_t offset) const {
  assert(offset <= size());
  return crypto::digest(crypto::HashAlgorithm::sha512, bytes().subspan(static_cast<std::size_t>(offset)));
}

bool PinnedFile::consists_of(std::span<const int> sources) const {
  auto rest = bytes();
  for (const int source : sources) {
    const auto size = size_of(source, "component");
    if (!size || *size > rest.size() || !starts_with(source, rest.first(*size))) return false;
    rest = rest.subspan(*size);
  }
  return rest.empty();
}

}  // namespace sealift::ultravisor
