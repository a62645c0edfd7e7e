// SPDX-License-Identifier: Apache-2.0
#include "tee/lockbox_opening.h"

#include <fmt/core.h>

#include "formats/ibm_esm/opened.h"

namespace sealift::tee {

Result<std::vector<esm::CustomerData>> open_blob(const ibm_esm::Blob& blob, LockboxOpener& opener,
                                                 const Measure& measure, const OnStep& on_step) {
  const auto* const lockbox = ibm_esm::find_lockbox(blob, opener.wrapping_key());
  if (lockbox == nullptr) {
    return fail(ErrorCode::no_target_for_host,
                fmt::format("none of the blob's {} lockboxes is for this machine's wrapping key",
                            blob.lockboxes.size()),
                "lockboxes");
  }
  on_step(OpeningStep::target_found);

  SEALIFT_TRY(auto key, opener.open(lockbox->encrypted_key));
  on_step(OpeningStep::seal_opened);

  SEALIFT_TRY(const auto opened, ibm_esm::OpenedBlob::open(blob, std::move(key)));
  SEALIFT_TRY(const auto integrity, opened.integrity());
  on_step(OpeningStep::payload_verified);

  SEALIFT_TRY(const auto measured, measure(integrity));
  SEALIFT_CHECK(esm::check(integrity, measured));
  on_step(OpeningStep::components_verified);

  std::vector<esm::CustomerData> customer_data;
  for (const auto& file : blob.files) {
    SEALIFT_TRY(auto content, opened.file(file.name));
    customer_data.push_back({file.name, std::move(content)});
  }
  return customer_data;
}

}  // namespace sealift::tee
