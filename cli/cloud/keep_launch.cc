// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/keep_launch.h"

namespace sealift::cli {

Result<v1::AuthorizeTargetRequest> SevProver::prove(ByteView evidence, const Ask& ask) {
  SEALIFT_TRY(auto launch, sev::PendingLaunch::begin(evidence, policy_, clock_.now()));
  SEALIFT_TRY(const auto measurement, ask(launch.question()));
  SEALIFT_TRY(auto proven, std::move(launch).conclude(measurement, clock_.now()));
  SEALIFT_TRY(const auto packet, proven.release_table(table_.expose()));
  v1::AuthorizeTargetRequest request;
  request.mutable_launch_secret()->set_header(std::string{as_text(packet.header)});
  request.mutable_launch_secret()->set_payload(std::string{as_text(packet.payload)});
  return request;
}

}  // namespace sealift::cli
