// SPDX-License-Identifier: Apache-2.0
/// From a root file system and a kernel to an image directory, and the seed that opens it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/esm/operand.h"
#include "guest/image/job.h"
#include "guest/image/kernel.h"
#include "guest/image/manifest.h"
#include "guest/image/root_filesystem.h"

namespace sealift::image {

struct BuildRequest {
  std::string arch;            ///< as uname -m says; "": the kernel's own
  std::filesystem::path root;  ///< directory, tarball or ext4 image: see root_filesystem.h
  RootFilesystemOptions root_options;
  KernelSource kernel;
  std::filesystem::path agent;  ///< the static sealift-unlock
  std::string cmdline;  ///< "": default_cmdline(); an own one must name the console, and the TEE, itself
  std::uint32_t memory_mib = 512;
  std::vector<esm::CustomerData> customer_data;  ///< CD2…, with names as files have them; CD1 is made here
  std::string tee{kMeasured};                    ///< or kPef, kSev
  std::filesystem::path output;                  ///< the image directory to be made; must not be there yet
  std::filesystem::path
      seed_file;                ///< the seed, 32 bytes, mode 0600; outside of `output`, must not be there yet
  std::filesystem::path owner;  ///< for kSev in place of the seed: the directory that owner.h describes
};

/// What such a guest is started with where the customer does not say.
std::string default_cmdline(std::string_view tee, std::string_view arch);

/// Builds beside `output` and renames at the end: on any failure, and on cancellation, neither `output` nor
/// `seed_file` or `owner` exist. Memory stays flat whatever the size of the root file system.
Result<Manifest> build_image(BuildRequest request, const Job& job);

}  // namespace sealift::image
