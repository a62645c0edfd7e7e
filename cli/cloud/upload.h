// SPDX-License-Identifier: Apache-2.0
/// An image directory into the cloud.
#pragma once

#include <filesystem>

#include "base/progress.h"
#include "rpc/client.h"
#include "sealift/v1/images.pb.h"

namespace sealift::cli {

/// Sends what the front end does not have yet: an upload that was interrupted goes on where it was, a
/// finished one costs one call. `reference` is optional, an approved machine's event log for the hosts'
/// explanations. canceled where the user interrupts.
Result<v1::Image> upload_image(rpc::Channel& frontend, const std::filesystem::path& directory,
                               const std::filesystem::path& reference, Progress& progress);

}  // namespace sealift::cli
