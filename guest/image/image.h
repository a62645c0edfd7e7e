// SPDX-License-Identifier: Apache-2.0
/// An image directory as it lies on a disk: read strictly, shown, sealed in place.
#pragma once

#include <cassert>
#include <filesystem>
#include <optional>
#include <span>

#include "base/file.h"
#include "formats/cpio/head.h"
#include "formats/esm/operand.h"
#include "guest/image/manifest.h"

namespace sealift::image {

class ImageDirectory {
 public:
  /// Reads the manifest, the command line and the head of the initramfs; files must be there with the
  /// manifest's sizes, and the operand, where it is no image for SEV, be of the manifest's image. Digests are
  /// not computed: see
  /// verify_digests().
  static Result<ImageDirectory> open(const std::filesystem::path& directory);

  const std::filesystem::path& path() const noexcept { return path_; }
  const Manifest& manifest() const noexcept { return manifest_; }
  const std::string& cmdline() const noexcept { return cmdline_; }
  bool has_operand() const noexcept { return sealed_.has_value(); }
  /// Only where it has an operand, as all but those for SEV have.
  const cpio::Head& head() const noexcept {
    assert(has_operand());
    return sealed_->head;
  }
  const esm::Operand& operand() const noexcept {
    assert(has_operand());
    return sealed_->operand;
  }

  /// Reads every file once. kernel_differs, initramfs_differs, cmdline_differs, or malformed for the root
  /// disk.
  Status verify_digests() const;

 private:
  struct Sealed {
    cpio::Head head;
    esm::Operand operand;
  };
  ImageDirectory(std::filesystem::path path, Manifest manifest, std::string cmdline,
                 std::optional<Sealed> sealed);
  static Result<Sealed> read_head(const std::filesystem::path& initramfs, const Manifest& manifest);
  std::filesystem::path path_;
  Manifest manifest_;
  std::string cmdline_;
  std::optional<Sealed> sealed_;
};

struct SealChange {
  std::size_t bytes_written;  ///< 0 where the image held these targets already
  std::size_t targets;        ///< how many machines can open the image now
};

/// Adds the targets to the image's operand, or replaces those of the same storage keys: reads the head of the
/// initramfs, writes at most 64 KiB of it, syncs once, whatever the size of the image. operand_full.
Result<SealChange> seal_image(const std::filesystem::path& directory, std::span<const esm::Target> targets);
/// The same for an initramfs file alone.
Result<SealChange> seal_initramfs(const std::filesystem::path& initramfs,
                                  std::span<const esm::Target> targets);

}  // namespace sealift::image
