// SPDX-License-Identifier: Apache-2.0
/// The components of a guest as their digests, from the files that users name.
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.h"
#include "formats/describe.h"
#include "formats/esm/integrity.h"

namespace sealift::cli {

struct ComponentFiles {
  std::filesystem::path kernel;
  std::filesystem::path initramfs;
  std::string cmdline;
  std::filesystem::path rtas;  ///< empty: none
};

/// SHA-512 of the kernel file, of the initramfs behind its head archive, and of the command line; for
/// `ibm,esm` and a kernel in ELF that of its flat binary, with its size (formats' integrity.h).
/// Progress and cancellation for large files.
Result<esm::IntegrityInformation> measure(const ComponentFiles& files, formats::Format format,
                                          Progress& progress);
esm::Measured as_measured(const esm::IntegrityInformation& information);

}  // namespace sealift::cli
