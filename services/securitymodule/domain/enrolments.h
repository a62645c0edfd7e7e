// SPDX-License-Identifier: Apache-2.0
/// Which storage keys were proven to live in which TPM: the one thing that evidence cannot show by itself.
#pragma once

#include "sealift/v1/security_module.pb.h"
#include "services/securitymodule/domain/vault.h"
#include "store/enrolments.h"
#include "tee/measured.h"

namespace sealift::securitymodule {

class Enrolments {
 public:
  Enrolments(store::EnrolmentStore& store, const Vault& vault) : store_{store}, vault_{vault} {}

  Status add(const std::string& tenant, const tee::EnrolledHost& host);
  /// Whether a challenge has proven that this very key is in the TPM of this very EK. Nothing else is taken
  /// from the past: certificates, revocations and attributes are those of the evidence that is shown now.
  Result<bool> knows(const std::string& tenant, const tee::MeasuredHost& host);
  struct EnrolledKey {
    tpm::Public key;
    crypto::Digest hardware_key_hash;
  };
  /// What was proven of that host. not_found at "hosts".
  Result<EnrolledKey> key_of(const std::string& tenant, const Bytes& storage_key_name);
  Result<v1::ListEnrolledHostsResponse> list(const std::string& tenant,
                                             const v1::ListEnrolledHostsRequest& request);
  /// Succeeds also where there is none.
  Status remove(const std::string& tenant, const tpm::Name& storage_key) {
    return store_.remove(tenant, to_bytes(storage_key.view()));
  }

 private:
  Result<ByteView> check(const store::EnrolmentRecord& record) const;

  store::EnrolmentStore& store_;
  const Vault& vault_;
};

}  // namespace sealift::securitymodule
