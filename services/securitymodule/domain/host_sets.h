// SPDX-License-Identifier: Apache-2.0
/// Named sets of a tenant's enrolled hosts.
#pragma once

#include "sealift/v1/sets.pb.h"
#include "services/securitymodule/domain/enrolments.h"
#include "services/securitymodule/domain/vault.h"
#include "store/host_sets.h"

namespace sealift::securitymodule {

class HostSets {
 public:
  HostSets(store::HostSetStore& store, Enrolments& enrolments, const Vault& vault)
      : store_{store}, enrolments_{enrolments}, vault_{vault} {}

  /// invalid_argument; not_found at "hosts" for one that is not enrolled; already_exists where it is new and
  /// there is one; conflict where it was changed since; resource_exhausted.
  Result<v1::HostSet> put(const std::string& tenant, v1::HostSet set);
  /// not_found at "name".
  Result<v1::HostSet> get(const std::string& tenant, const std::string& name);
  Result<v1::ListSetsResponse> list(const std::string& tenant, const v1::ListSetsRequest& request);
  /// Succeeds also where there is none.
  Status remove(const std::string& tenant, const std::string& name);

 private:
  Result<v1::HostSet> read(const store::HostSetRecord& record);

  store::HostSetStore& store_;
  Enrolments& enrolments_;
  const Vault& vault_;
};

}  // namespace sealift::securitymodule
