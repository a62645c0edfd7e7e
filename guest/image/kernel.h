// SPDX-License-Identifier: Apache-2.0
/// A kernel and the modules that the unlock agent needs of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "guest/image/job.h"

namespace sealift::image {

/// Where the kernel comes from: `package` alone, or `image` and `modules`.
struct KernelSource {
  std::filesystem::path package;  ///< a Debian linux-image .deb, or a directory with boot/ and lib/modules/
  std::filesystem::path image;    ///< a kernel file
  std::filesystem::path modules;  ///< a /lib/modules/VERSION directory
};

struct KernelModule {
  std::string name;  ///< "dm_crypt"
  bool required;     ///< false: good to have, as AES instructions where the processor has them
  Bytes object;      ///< the .ko
};

struct Kernel {
  std::string version;                ///< "6.1.0-56-cloud-amd64"
  std::string arch;                   ///< as uname -m says, from the kernel's own header
  std::filesystem::path image;        ///< the file: below the scratch directory for a package
  std::vector<KernelModule> modules;  ///< in an order in which they can be loaded
};

/// Reads it. Modules built into the kernel are not in the list; dependency_missing names one that the agent
/// needs and that is nowhere; unsupported for compressed modules. `scratch` is a directory to unpack into.
Result<Kernel> load_kernel(const KernelSource& source, const std::filesystem::path& scratch, const Job& job);

}  // namespace sealift::image
