// SPDX-License-Identifier: Apache-2.0
/// What was found of enrolled hosts' platforms while they showed evidence, for sealing while they do not.
#pragma once

#include "base/clock.h"
#include "services/securitymodule/domain/recent.h"
#include "services/securitymodule/domain/seeds.h"
#include "store/host_sets.h"

namespace sealift::securitymodule {

/// A verdict is good for every policy that says the same of platforms (ImagePolicy::trust), until the first
/// of the certificates and lists behind it changes. Thread-safe.
class Verdicts {
 public:
  Verdicts(store::VerdictStore& store, const Vault& vault, const Clock& clock)
      : store_{store}, vault_{vault}, clock_{clock} {}

  /// The host's evidence was verified under the policy. Nothing is written yet: it may be anybody's.
  void saw(const std::string& tenant, const tee::MeasuredHost& host, const ImagePolicy& policy);
  /// And the host is enrolled: kept, where it is not so already. Of what another replica saw nothing is
  /// known, until the host shows itself again.
  Status keep(const std::string& tenant, const tpm::Name& storage_key, const ImagePolicy& policy);
  /// failed_precondition at "evidence" where the host has to show itself first.
  Status check(const std::string& tenant, const tpm::Name& storage_key,
               const crypto::Digest& hardware_key_hash, const ImagePolicy& policy);
  Status remove_of_host(const std::string& tenant, const tpm::Name& storage_key);

 private:
  struct Seen {
    crypto::Digest hardware_key_hash;
    std::int64_t seen_at;
    std::int64_t holds_until;
  };

  store::VerdictStore& store_;
  const Vault& vault_;
  const Clock& clock_;
  Recent<Seen> seen_{4096};
  Recent<std::int64_t> kept_{4096};
};

}  // namespace sealift::securitymodule
