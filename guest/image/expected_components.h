// SPDX-License-Identifier: Apache-2.0
/// What a TEE will measure of an image's parts, where that is not simply the digest of a file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "formats/esm/integrity.h"
#include "guest/image/manifest.h"

namespace sealift::image {

/// The architectures that a TEE runs guests of, and what its guests' command lines must say.
struct TeeKind {
  std::string_view name;
  std::string_view arch;           ///< where the customer names none
  std::string_view kernel_option;  ///< a word of the command line without which the guest is none of this TEE
};
/// One of manifest.h's kinds. invalid_argument at "tee" for another.
Result<TeeKind> tee_kind(std::string_view name);

/// The words of `cmdline` hold the TEE's own. invalid_argument at "cmdline".
Status check_tee_cmdline(const TeeKind& tee, std::string_view cmdline);

/// The integrity information of an image whose manifest has all digests. `kernel` is the kernel file: a pef
/// host measures it flat in the guest's memory, with its RTAS beside it. unsupported at "kernel" where that
/// TEE cannot start it.
Result<esm::IntegrityInformation> expected_components(const Manifest& manifest,
                                                      const std::filesystem::path& kernel);

}  // namespace sealift::image
