// SPDX-License-Identifier: Apache-2.0
/// manifest.json: what an image directory holds. The files have fixed names, so that a manifest cannot point
/// anywhere else. docs/formats/image.md shows one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/digest.h"
#include "formats/esm/image_id.h"

namespace sealift::image {

inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kKernelFile = "kernel";
inline constexpr std::string_view kInitramfsFile = "initramfs";
inline constexpr std::string_view kCmdlineFile = "cmdline";
inline constexpr std::string_view kRootDiskFile = "rootdisk.luks";

/// Kinds of protection. An image for SEV has no operand, and so no head archive.
inline constexpr std::string_view kMeasured = "measured";
inline constexpr std::string_view kPef = "pef";
inline constexpr std::string_view kSev = "sev";

inline constexpr std::string_view kManifestFormat = "sealift-image-v1";
inline constexpr std::size_t kMaxManifestSize = 64 * 1024;
inline constexpr std::size_t kMaxCmdlineSize = 2048;  // what Linux takes on x86

struct Component {
  std::uint64_t size = 0;  ///< bytes of the file
  crypto::Digest sha512{};
};

struct Manifest {
  esm::ImageId image_id;
  std::string arch{};            ///< as uname -m says: "x86_64", "ppc64le"
  std::string tee{};             ///< kMeasured, kPef or kSev
  std::string luks_uuid{};       ///< of the root disk, lower case
  std::uint32_t memory_mib = 0;  ///< how much the guest wants
  Component kernel{};
  Component initramfs{};  ///< size: the whole file; sha512: only what follows the head archive
  std::uint64_t initramfs_head_size = 0;  ///< bytes of the head archive; 0 where there is none: kSev
  Component cmdline{};                    ///< the bytes as given to the kernel, no newline or NUL at the end
  Component root_disk{};
};

std::string format_manifest(const Manifest& manifest);
/// Strict: every member once, no others, sizes within bounds. `field` of the error names the member.
Result<Manifest> parse_manifest(ByteView json);

}  // namespace sealift::image
