// SPDX-License-Identifier: Apache-2.0
/// Bring your own key: an image's seed into the customer's security module (design section 4, step 984).
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cli/approval.h"
#include "cli/cloud/cloud.h"
#include "cli/sev/owner_options.h"
#include "sealift/v1/security_module.pb.h"

namespace sealift::cli {

/// Whether the security module must prove itself first.
enum class Insertion : std::uint8_t { secure, insecurely_plain };
/// --insecure-plain-insertion.
void declare_insertion(Command& command, bool& insecurely_plain);

/// The launch secret of an SEV image, and which launch gets it: of `limits` hardware keys and times, as a
/// policy file has them. The same again is accepted.
Status put_launch_secret(const Cloud& cloud, const SevOwner& owner, const v1::SeedPolicy& limits,
                         Insertion how);
/// The seed and on which hosts, of the image's kind, it may be used. The same again is accepted.
Status put_seed(const Cloud& cloud, const std::string& image_id, const std::filesystem::path& seed,
                const ApprovalOptions& approval, const std::string& tee, Insertion how);

/// Each host that the security module has enrolled, page by page.
Status for_each_enrolled_host(rpc::Channel& security_module,
                              const std::function<void(const v1::EnrolledHost&)>& work);

}  // namespace sealift::cli
