// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/qcow2_overlays.h"

#include "base/file.h"
#include "base/process.h"
#include "services/agent/adapters/journal_directory.h"

namespace sealift::agent {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{directory}, fs::directory_iterator{}));
}

}  // namespace

Result<fs::path> Qcow2Overlays::template_of(std::uint64_t size) {
  const auto path = directory_ / (std::to_string(size) + ".qcow2");
  if (fs::exists(path)) return path;
  std::error_code ignored;
  if (fs::exists(directory_) && files_in(directory_) >= kMaxTemplates) fs::remove_all(directory_, ignored);
  SEALIFT_CHECK(make_private_directory(directory_));
  const auto beside = path.string() + ".new";
  const auto made =
      run_checked({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", beside, std::to_string(size)}});
  if (made && ::rename(beside.c_str(), path.c_str()) == 0) return path;
  const auto error = made ? fail_errno("make " + path.string()) : tl::unexpected(made.error());
  fs::remove(beside, ignored);
  return error;
}

Status Qcow2Overlays::make(const fs::path& overlay, std::uint64_t size) {
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(const auto from, template_of(size));
  std::error_code error;
  fs::copy_file(from, overlay, fs::copy_options::overwrite_existing, error);
  if (!error) return {};
  errno = error.value();
  const auto failed = fail_errno("make the overlay " + overlay.string());
  fs::remove(overlay, error);
  return failed;
}

}  // namespace sealift::agent
