// SPDX-License-Identifier: Apache-2.0
/// The parts of `sealift image`. Building has a program of its own, sealift-image-build: the libraries it
/// needs (archives, file systems, disk encryption) would cost every other command half of its start-up time.
#pragma once

#include "cli/command_line.h"
#include "guest/image/manifest.h"

namespace sealift::cli {

inline constexpr const char* kImageBuildHelp =
    "Build an image with an encrypted root disk, and the seed that opens it";

inline constexpr const char* kImageEmbedHelp = "Put an operand into a POWER kernel's wrapper (zImage)";

void declare_image_build(Command& group);
void declare_image_embed(Command& group);

/// {"image_id", "arch", "tee", "luks_uuid", "memory_mib", "components": [{"file", "size", "sha512"}…]}
Json manifest_json(const image::Manifest& manifest);

}  // namespace sealift::cli
