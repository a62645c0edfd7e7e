// SPDX-License-Identifier: Apache-2.0
/// What a tenant has taken its trust from: machines by their hardware key, hosts by their storage key,
/// images.
///
/// Looked up in the database at every request, on every replica: a revocation counts as soon as it is
/// answered. Whoever writes the database can take one away; the log of decisions still shows that it was
/// made.
#pragma once

#include "sealift/v1/revocations.pb.h"
#include "services/securitymodule/domain/seeds.h"
#include "store/enrolments.h"
#include "store/revocations.h"
#include "tee/measured.h"

namespace sealift::securitymodule {

class Revocations {
 public:
  Revocations(store::RevocationStore& store, const Vault& vault, const Clock& clock)
      : store_{store}, vault_{vault}, clock_{clock} {}

  /// invalid_argument at "subject" where it is none of that kind. The same again is fine.
  Status add(const std::string& tenant, const v1::Revocation& revocation);
  Status remove(const std::string& tenant, const v1::Revocation& revocation);
  Result<v1::ListRevocationsResponse> list(const std::string& tenant,
                                           const v1::ListRevocationsRequest& request);

  /// failed_precondition at "image_id", "hardware_key" or "storage_key".
  Status check(const ImageKey& image, const crypto::Digest& hardware_key_hash, const tpm::Name& storage_key);
  /// Of a machine without one.
  Status check(const ImageKey& image, const crypto::Digest& hardware_key_hash);

 private:
  Status check(const std::string& tenant, const std::vector<store::RevocationKey>& keys);
  store::RevocationStore& store_;
  const Vault& vault_;
  const Clock& clock_;
};

}  // namespace sealift::securitymodule
