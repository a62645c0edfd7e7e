// SPDX-License-Identifier: Apache-2.0
/// The seeds of tenants' images, each with the policy that says for whom it may be sealed.
#pragma once

#include <memory>

#include "base/clock.h"
#include "services/securitymodule/domain/policy_cache.h"
#include "services/securitymodule/domain/vault.h"
#include "store/seeds.h"

namespace sealift::securitymodule {

/// An image as a tenant knows it.
struct ImageKey {
  std::string tenant;
  esm::ImageId id;
};

/// A seed out of the vault. Short-lived.
struct OpenedSeed {
  SecretBytes seed;  ///< of an SEV image: its launch secret
  std::shared_ptr<const ImagePolicy> policy;
  /// 16 random bytes of this insertion: what was made from an earlier seed of the image is none of this
  /// one's.
  Bytes insertion;
};

/// The seed out of a request, which does not have it afterwards.
SecretBytes take_seed(v1::PutSeedRequest& request);

class Seeds {
 public:
  Seeds(store::SeedStore& seeds, store::AuthorizationStore& authorizations, const Vault& vault,
        const Clock& clock)
      : seeds_{seeds}, authorizations_{authorizations}, vault_{vault}, clock_{clock} {}

  /// The same seed and policy again are fine; already_exists at "seed" or "policy" for others.
  Status put(const ImageKey& image, const SecretBytes& seed, const ImagePolicy& policy);
  /// not_found; authentication_failed where the record is not what put() wrote.
  Result<OpenedSeed> open(const ImageKey& image);
  Result<v1::ListSeedsResponse> list(const std::string& tenant, const v1::ListSeedsRequest& request);
  /// And what was made from it. Succeeds also where there is none.
  Status remove(const ImageKey& image);

 private:
  Result<OpenedSeed> open(const store::SeedRecord& record);
  Status compare(const ImageKey& image, const SecretBytes& seed, const ImagePolicy& policy);
  Status drop_authorizations(const ImageKey& image);
  Result<std::uint32_t> count_authorizations(const store::SeedRecord& record);

  store::SeedStore& seeds_;
  store::AuthorizationStore& authorizations_;
  const Vault& vault_;
  const Clock& clock_;
  PolicyCache policies_;
};

}  // namespace sealift::securitymodule
