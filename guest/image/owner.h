// SPDX-License-Identifier: Apache-2.0
/// What the owner of an image for SEV keeps at home, because there is no operand that could carry it:
///
///   launch.json     what the launch digest is computed from, besides the firmware. Not secret; but whoever
///                   changes it changes what gets the secret
///   customer-data   the message of guest/agent/customer_data_wire.h, mode 0600: CD1 and the rest
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/digest.h"
#include "formats/esm/image_id.h"
#include "guest/agent/customer_data.h"

namespace sealift::image {

struct LaunchInputs {
  esm::ImageId image_id;
  crypto::Digest kernel_sha256;
  crypto::Digest initramfs_sha256;
  std::string cmdline;  ///< as given to the kernel: the digest's is with a NUL at its end
};

struct Owner {
  LaunchInputs inputs;
  std::vector<guest::CustomerData> customer_data;
};

std::string format_launch_inputs(const LaunchInputs& inputs);
/// Strict: every member once, no others. `field` of the error names the member.
Result<LaunchInputs> parse_launch_inputs(ByteView json);

/// Both files into a directory that is there; synced.
Status write_owner(const std::filesystem::path& directory, const LaunchInputs& inputs,
                   std::span<const guest::CustomerData> customer_data);
Result<Owner> read_owner(const std::filesystem::path& directory);

}  // namespace sealift::image
