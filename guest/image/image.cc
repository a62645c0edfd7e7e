// SPDX-License-Identifier: Apache-2.0
#include "guest/image/image.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "formats/esm/insertion.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

Result<cpio::Head> head_of(int fd) {
  return cpio::read_head([fd](std::size_t limit) -> Result<Bytes> {
    SEALIFT_TRY(const auto size, file_size(fd));
    Bytes prefix(static_cast<std::size_t>(std::min<std::uint64_t>(size, limit)));
    SEALIFT_CHECK(pread_exact(fd, prefix, 0));
    return prefix;
  });
}

Status check_size(const fs::path& file, std::uint64_t expected) {
  SEALIFT_TRY(const auto fd, open_file(file, O_RDONLY));
  SEALIFT_TRY(const auto size, file_size(fd.get()));
  if (size == expected) return {};
  return fail(ErrorCode::malformed, file.string() + " has not the size that the manifest says",
              file.filename());
}

Status check_digest(const fs::path& file, std::uint64_t offset, const crypto::Digest& expected,
                    ErrorCode code) {
  SEALIFT_TRY(const auto fd, open_file(file, O_RDONLY));
  SEALIFT_TRY(const auto digest, crypto::digest_file(crypto::HashAlgorithm::sha512, fd.get(), offset));
  if (digest == expected) return {};
  return fail(code, file.string() + " is not the one that the manifest names", file.filename());
}

/// The bytes between the first and the last difference: all that needs writing.
std::pair<std::size_t, ByteView> changed_part(ByteView before, ByteView after) {
  const auto first = static_cast<std::size_t>(std::ranges::mismatch(before, after).in1 - before.begin());
  std::size_t end = after.size();
  while (end > first && before[end - 1] == after[end - 1]) --end;
  return {first, after.subspan(first, end - first)};
}

}  // namespace

ImageDirectory::ImageDirectory(fs::path path, Manifest manifest, std::string cmdline,
                               std::optional<Sealed> sealed)
    : path_{std::move(path)},
      manifest_{std::move(manifest)},
      cmdline_{std::move(cmdline)},
      sealed_{std::move(sealed)} {}

Result<ImageDirectory::Sealed> ImageDirectory::read_head(const fs::path& file, const Manifest& manifest) {
  SEALIFT_TRY(const auto initramfs, open_file(file, O_RDONLY));
  SEALIFT_TRY(auto head, head_of(initramfs.get()));
  if (head.place.rest_offset != manifest.initramfs_head_size)
    return fail(ErrorCode::malformed, "the initramfs's head has not the size that the manifest says",
                "head_size");
  SEALIFT_TRY(auto operand, esm::operand_of(head));
  if (operand.image_id() != manifest.image_id)
    return fail(ErrorCode::operand_malformed, "the operand in the initramfs is of another image", "image-id");
  return Sealed{std::move(head), std::move(operand)};
}

Result<ImageDirectory> ImageDirectory::open(const fs::path& directory) {
  SEALIFT_TRY(const auto json, read_file(directory / kManifestFile, kMaxManifestSize));
  SEALIFT_TRY(auto manifest, parse_manifest(json));
  SEALIFT_CHECK(check_size(directory / kKernelFile, manifest.kernel.size));
  SEALIFT_CHECK(check_size(directory / kInitramfsFile, manifest.initramfs.size));
  SEALIFT_CHECK(check_size(directory / kCmdlineFile, manifest.cmdline.size));
  SEALIFT_CHECK(check_size(directory / kRootDiskFile, manifest.root_disk.size));
  SEALIFT_TRY(const auto cmdline, read_file(directory / kCmdlineFile, kMaxCmdlineSize));
  std::optional<Sealed> sealed;
  if (manifest.tee != kSev) {
    SEALIFT_TRY(sealed, read_head(directory / kInitramfsFile, manifest));
  }
  return ImageDirectory{directory, std::move(manifest), std::string{as_text(cmdline)}, std::move(sealed)};
}

Status ImageDirectory::verify_digests() const {
  SEALIFT_CHECK(check_digest(path_ / kKernelFile, 0, manifest_.kernel.sha512, ErrorCode::kernel_differs));
  SEALIFT_CHECK(check_digest(path_ / kInitramfsFile, manifest_.initramfs_head_size,
                             manifest_.initramfs.sha512, ErrorCode::initramfs_differs));
  SEALIFT_CHECK(check_digest(path_ / kCmdlineFile, 0, manifest_.cmdline.sha512, ErrorCode::cmdline_differs));
  return check_digest(path_ / kRootDiskFile, 0, manifest_.root_disk.sha512, ErrorCode::malformed);
}

Result<SealChange> seal_image(const fs::path& directory, std::span<const esm::Target> targets) {
  return seal_initramfs(directory / kInitramfsFile, targets);
}

Result<SealChange> seal_initramfs(const fs::path& initramfs, std::span<const esm::Target> targets) {
  SEALIFT_TRY(const auto fd, open_file(initramfs, O_RDWR));
  // Two sealings at once would each write the operand without the other's target.
  if (flock(fd.get(), LOCK_EX) != 0) return fail_errno("lock " + initramfs.string());
  SEALIFT_TRY(const auto head, head_of(fd.get()));
  SEALIFT_TRY(const auto sealed, esm::insert_targets(head, targets));
  SEALIFT_TRY(const auto operand,
              esm::Operand::parse(ByteView{sealed}.subspan(head.place.offset, head.place.size)));
  const auto [offset, changed] = changed_part(head.bytes, sealed);
  if (changed.empty()) return SealChange{0, operand.targets().size()};
  SEALIFT_CHECK(pwrite_all(fd.get(), changed, offset));
  if (fdatasync(fd.get()) != 0) return fail_errno("sync " + initramfs.string());
  return SealChange{changed.size(), operand.targets().size()};
}

}  // namespace sealift::image
