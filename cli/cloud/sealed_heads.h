// SPDX-License-Identifier: Apache-2.0
/// Images that are sealed ahead to a set of hosts: made by the security module, kept by the front end.
#pragma once

#include <vector>

#include "base/progress.h"
#include "cli/cloud/cloud.h"
#include "sealift/v1/images.pb.h"
#include "sealift/v1/sets.pb.h"

namespace sealift::cli {

/// What became of a batch.
struct SealedAhead {
  std::uint64_t images = 0;  ///< that are sealed now
  std::uint64_t seals = 0;   ///< image and host
  /// "IMAGE" or "IMAGE for HOST", and why not.
  std::vector<std::pair<std::string, Error>> refused;
};

/// Image by image; one that is refused does not end it. What was done stays done, and the same call goes on
/// from there. At most `rate` seals a second; 0: as fast as it goes.
Result<SealedAhead> seal_ahead(const Cloud& cloud, const v1::HostSet& set,
                               const std::vector<std::string>& image_ids, std::uint32_t rate,
                               Progress& progress);
/// The images that the front end has for that set.
Result<std::vector<std::string>> images_of_set(rpc::Channel& frontend, const std::string& set);
/// Takes the hosts' slots out of all stored heads: how many heads were changed.
Result<std::uint32_t> take_out_hosts(rpc::Channel& frontend,
                                     const std::vector<std::string>& storage_key_names);
/// All heads of the image, or of the set.
Result<std::uint32_t> take_out_image(rpc::Channel& frontend, const std::string& image_id);
Result<std::uint32_t> take_out_set(rpc::Channel& frontend, const std::string& set);

}  // namespace sealift::cli
