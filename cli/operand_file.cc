// SPDX-License-Identifier: Apache-2.0
#include "cli/operand_file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "cli/cancellation.h"
#include "cli/inputs.h"
#include "formats/fdt/tree.h"

namespace sealift::cli {
namespace {

constexpr std::array<std::uint8_t, 4> kFdtMagic{0xd0, 0x0d, 0xfe, 0xed};
constexpr std::size_t kCopySize = 8U << 20U;

Result<Bytes> read_prefix(int fd, std::size_t count) {
  SEALIFT_TRY(const auto size, file_size(fd));
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, count)));
  SEALIFT_CHECK(pread_exact(fd, bytes, 0));
  return bytes;
}

Result<cpio::Head> head_of(int fd) {
  return cpio::read_head([fd](std::size_t count) { return read_prefix(fd, count); });
}

/// An unfinished file beside the one it is going to be.
class Draft {
 public:
  static Result<Draft> create(const std::filesystem::path& out) {
    auto name = out.string() + ".XXXXXX";
    UniqueFd fd{::mkostemp(name.data(), O_CLOEXEC)};
    if (!fd) return fail_errno("write beside " + out.string());
    return Draft{std::move(fd), name};
  }
  Draft(Draft&&) noexcept = default;
  Draft& operator=(Draft&&) = delete;
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  int fd() const { return fd_.get(); }
  Status become(const std::filesystem::path& out, mode_t mode) {
    if (::fchmod(fd(), mode) != 0 || ::fsync(fd()) != 0) return fail_errno("finish " + out.string());
    if (::rename(name_.c_str(), out.c_str()) != 0) return fail_errno("rename to " + out.string());
    name_.clear();
    return {};
  }

 private:
  Draft(UniqueFd fd, std::string name) : fd_{std::move(fd)}, name_{std::move(name)} {}
  UniqueFd fd_;
  std::string name_;
};

Status copy_rest(int from, std::uint64_t offset, int to) {
  auto position = static_cast<off_t>(offset);
  for (;;) {
    SEALIFT_CHECK(check_not_cancelled());
    const auto copied = ::sendfile(to, from, &position, kCopySize);
    if (copied < 0 && errno != EINTR) return fail_errno("copy the initramfs");
    if (copied == 0) return {};
  }
}

}  // namespace

Result<OperandFile> OperandFile::read(const std::filesystem::path& path) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY));
  SEALIFT_TRY(const auto magic, read_prefix(fd.get(), kFdtMagic.size()));
  if (std::ranges::equal(magic, kFdtMagic)) {
    SEALIFT_TRY(auto operand, read_file(path, fdt::kMaxSize));
    return OperandFile{path, std::move(operand)};
  }
  SEALIFT_TRY(auto head, in_file(path, head_of(fd.get())));
  return OperandFile{path, std::move(head)};
}

Status OperandFile::write_with(ByteView operand, const std::filesystem::path& out) const {
  if (!head_) return write_file(out, operand);
  SEALIFT_TRY(const auto head, cpio::make_head(operand));
  return write_initramfs(head, out);
}

Status OperandFile::write_initramfs(ByteView head, const std::filesystem::path& out) const {
  SEALIFT_TRY(const auto source, open_file(path_, O_RDONLY));
  struct stat status{};
  if (::fstat(source.get(), &status) != 0) return fail_errno("look at " + path_.string());
  SEALIFT_TRY(auto draft, Draft::create(out));
  SEALIFT_CHECK(write_all(draft.fd(), head));
  SEALIFT_CHECK(copy_rest(source.get(), head_->place.rest_offset, draft.fd()));
  return draft.become(out, status.st_mode & 07777U);
}

Result<std::uint64_t> initramfs_rest(int fd) {
  const auto head = head_of(fd);
  if (head) return head->place.rest_offset;
  if (head.error().code == ErrorCode::operand_missing) return 0U;
  return tl::unexpected(head.error());
}

}  // namespace sealift::cli
