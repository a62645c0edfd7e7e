// SPDX-License-Identifier: Apache-2.0
#include "cli/measuring.h"

#include <fcntl.h>

#include <algorithm>

#include "base/file.h"
#include "cli/cancellation.h"
#include "cli/inputs.h"
#include "cli/operand_file.h"
#include "guest/image/flat_kernel.h"

namespace sealift::cli {
namespace {

using crypto::Digest;
using crypto::HashAlgorithm;

constexpr std::size_t kPieceSize = 1U << 20U;
constexpr std::size_t kRtasLimit = 16U << 20U;

Result<Digest> hash_from(int fd, std::uint64_t offset, std::string_view step, Progress& progress) {
  SEALIFT_TRY(const auto size, file_size(fd));
  if (offset > size) return fail(ErrorCode::truncated, "the file ends inside its head archive");
  progress.start(step, size - offset);
  crypto::Hasher hasher{HashAlgorithm::sha512};
  Bytes piece(kPieceSize);
  while (offset < size) {
    SEALIFT_CHECK(check_not_cancelled());
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceSize, size - offset));
    SEALIFT_CHECK(pread_exact(fd, std::span{piece}.first(count), offset));
    hasher.update(ByteView{piece}.first(count));
    offset += count;
    progress.advance(count);
  }
  return hasher.finish();
}

struct KernelDigest {
  Digest digest;
  std::optional<std::uint32_t> flat_size;
};

Result<KernelDigest> hash_kernel(const std::filesystem::path& path, formats::Format format,
                                 Progress& progress) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY));
  if (format == formats::Format::ibm_esm) {
    SEALIFT_TRY(const auto flat, in_file(path, image::flat_kernel_digest(fd.get())));
    if (flat) return KernelDigest{flat->digest, flat->size};
  }
  SEALIFT_TRY(const auto digest, hash_from(fd.get(), 0, "hash the kernel", progress));
  return KernelDigest{digest, {}};
}

Result<Digest> hash_initramfs(const std::filesystem::path& path, Progress& progress) {
  SEALIFT_TRY(const auto fd, open_file(path, O_RDONLY));
  SEALIFT_TRY(const auto rest, in_file(path, initramfs_rest(fd.get())));
  return hash_from(fd.get(), rest, "hash the initramfs", progress);
}

}  // namespace

Result<esm::IntegrityInformation> measure(const ComponentFiles& files, formats::Format format,
                                          Progress& progress) {
  SEALIFT_TRY(const auto kernel, hash_kernel(files.kernel, format, progress));
  esm::IntegrityInformation information{
      .kernel = kernel.digest,
      .initrd = {},
      .bootargs = crypto::digest(HashAlgorithm::sha512, as_bytes(files.cmdline)),
      .rtas = {},
      .kernel_size = kernel.flat_size};
  SEALIFT_TRY(information.initrd, hash_initramfs(files.initramfs, progress));
  if (!files.rtas.empty()) {
    SEALIFT_TRY(const auto rtas, read_file(files.rtas, kRtasLimit));
    information.rtas = crypto::digest(HashAlgorithm::sha512, rtas);
  }
  return information;
}

esm::Measured as_measured(const esm::IntegrityInformation& information) {
  return {information.kernel, information.initrd, information.bootargs, information.rtas};
}

}  // namespace sealift::cli
