// SPDX-License-Identifier: Apache-2.0
#include "cli/run/launch_files.h"

#include <fcntl.h>

#include "base/process.h"
#include "cli/inputs.h"
#include "cli/reference_log.h"
#include "crypto/random.h"
#include "guest/image/manifest.h"

namespace sealift::cli {
namespace {

Result<std::uint32_t> memory_of(const Path& image) {
  SEALIFT_TRY(const auto json, read_file(image / image::kManifestFile, image::kMaxManifestSize));
  SEALIFT_TRY(const auto manifest, in_file(image / image::kManifestFile, image::parse_manifest(json)));
  return manifest.memory_mib;
}

Result<std::string> cmdline_of(const Path& image) {
  SEALIFT_TRY(const auto bytes, read_file(image / image::kCmdlineFile, image::kMaxCmdlineSize));
  return std::string{as_text(bytes)};
}

/// As large as the disk it lies over. The ultravisor names the disk itself, so the file does not.
Result<UniqueFd> make_overlay(const Path& scratch, int root_disk) {
  SEALIFT_TRY(const auto size, file_size(root_disk));
  const auto overlay = scratch / "overlay.qcow2";
  SEALIFT_CHECK(run_checked(
      {.argv = {"qemu-img", "create", "-q", "-f", "qcow2", overlay.string(), std::to_string(size)},
       .environment = {},
       .fds = {}}));
  return open_file(overlay, O_RDWR);
}

Status open_files(const Path& image, const LaunchChanges& changes, const Path& scratch,
                  ultravisor::LaunchFiles& files) {
  const auto choose = [&](const Path& changed, std::string_view own) {
    return open_file(changed.empty() ? image / own : changed, O_RDONLY);
  };
  SEALIFT_TRY(files.kernel, choose(changes.kernel, image::kKernelFile));
  SEALIFT_TRY(files.initramfs, choose(changes.initramfs, image::kInitramfsFile));
  SEALIFT_TRY(files.root_disk, choose({}, image::kRootDiskFile));
  SEALIFT_TRY(files.overlay, make_overlay(scratch, files.root_disk.get()));
  auto reference = choose({}, kReferenceLogFile);
  if (reference) files.reference = *std::move(reference);
  return {};
}

}  // namespace

Result<ultravisor::LaunchRequest> prepare_launch(const Path& image, const LaunchChanges& changes,
                                                 const Path& scratch) {
  ultravisor::LaunchRequest request;
  request.id = "run-" + to_hex(crypto::random_array<8>());
  request.cpus = changes.cpus;
  request.memory_mib = changes.memory_mib;
  if (request.memory_mib == 0) {
    SEALIFT_TRY(request.memory_mib, memory_of(image));
  }
  if (changes.cmdline) {
    request.cmdline = *changes.cmdline;
  } else {
    SEALIFT_TRY(request.cmdline, cmdline_of(image));
  }
  SEALIFT_CHECK(open_files(image, changes, scratch, request.files));
  return request;
}

}  // namespace sealift::cli
