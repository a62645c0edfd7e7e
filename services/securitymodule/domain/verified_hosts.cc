// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/verified_hosts.h"

namespace sealift::securitymodule {

Result<std::shared_ptr<const tee::MeasuredHost>> VerifiedHosts::verify(ByteView evidence,
                                                                       const ImagePolicy& policy,
                                                                       TimePoint now) {
  const auto key = crypto::digest(crypto::HashAlgorithm::sha256, {policy.digest().view(), evidence});
  const auto seconds = crypto::unix_seconds(now);
  auto entry = hosts_.find(key);
  if (!entry || seconds < entry->verified_at || seconds >= entry->host.platform.holds_until()) {
    SEALIFT_TRY(auto host, policy.verify(evidence, now));
    entry = std::make_shared<const Entry>(Entry{std::move(host), seconds});
    hosts_.keep(key, entry);
  }
  return std::shared_ptr<const tee::MeasuredHost>{entry, &entry->host};
}

}  // namespace sealift::securitymodule
