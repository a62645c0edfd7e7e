// SPDX-License-Identifier: Apache-2.0
/// Hosts whose evidence was verified lately. Verifying costs more than sealing, and a host shows the same for
/// each of its launches.
#pragma once

#include "services/securitymodule/domain/image_policy.h"
#include "services/securitymodule/domain/recent.h"

namespace sealift::securitymodule {

/// Thread-safe. The verdict depends on the evidence, the policy and the time, and on nothing else: it is
/// found by the digests of the first two, and used while no certificate or list of theirs has begun or ended
/// since. Refusals are not kept.
class VerifiedHosts {
 public:
  /// `limit`: hosts that are kept.
  explicit VerifiedHosts(std::size_t limit = kLimit) : hosts_{limit} {}

  /// As ImagePolicy::verify().
  Result<std::shared_ptr<const tee::MeasuredHost>> verify(ByteView evidence, const ImagePolicy& policy,
                                                          TimePoint now);

 private:
  static constexpr std::size_t kLimit = 4096;
  struct Entry {
    tee::MeasuredHost host;
    std::int64_t verified_at;
  };
  Recent<Entry> hosts_;
};

}  // namespace sealift::securitymodule
