// SPDX-License-Identifier: Apache-2.0
/// Sealed data, made once for each image, host and policy, and the same ever after.
#pragma once

#include <optional>

#include "services/securitymodule/domain/recent.h"
#include "services/securitymodule/domain/seeds.h"

namespace sealift::securitymodule {

struct MadeAuthorization {
  v1::SealedData sealed_data;
  bool made = false;  ///< false: another was quicker, and this is theirs
};

class Authorizations {
 public:
  Authorizations(store::AuthorizationStore& store, const Vault& vault, const Clock& clock)
      : store_{store}, vault_{vault}, clock_{clock} {}

  Result<std::optional<v1::SealedData>> find(const ImageKey& image, const OpenedSeed& seed,
                                             const tee::VerifiedStorageKey& storage_key);
  /// Seals to a key whose enrolment was checked, for the state that its own policy demands.
  /// failed_precondition at "policy.maximum_hosts".
  Result<MadeAuthorization> make(const ImageKey& image, const OpenedSeed& seed,
                                 const tee::VerifiedStorageKey& storage_key);
  /// Spares the preparation of this one when it is sealed to.
  void know(const tpm::StorageKey& storage_key);
  /// All that were made for that host: how many.
  Result<std::uint32_t> remove_of_host(const std::string& tenant, const tpm::Name& storage_key);

 private:
  Result<std::shared_ptr<const tpm::StorageKey>> prepare(const tpm::Public& storage_key);
  Result<store::AuthorizationRecord> store(const store::AuthorizationRecord& record, std::uint32_t maximum);
  Result<v1::SealedData> read(const store::AuthorizationRecord& record) const;

  store::AuthorizationStore& store_;
  const Vault& vault_;
  const Clock& clock_;
  Recent<tpm::StorageKey> prepared_{4096};
};

}  // namespace sealift::securitymodule
