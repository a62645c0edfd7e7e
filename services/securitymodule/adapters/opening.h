// SPDX-License-Identifier: Apache-2.0
/// From a database and a protector to a vault. A key is made only for a database that is new, and only on
/// demand: where a key is missing that once was, a new one would hide that nothing can be opened any more.
#pragma once

#include <set>
#include <string>

#include "services/securitymodule/domain/root_key.h"

namespace sealift::securitymodule {

struct ProtectorOptions {
  std::string address;  ///< protectors.h
  bool create = false;  ///< its key where it is missing, and the database's root key; both only where new
};

/// failed_precondition, naming the key and what to do about it, where the database has a root key but
/// the protector's is gone or another; where the database has no root key, and nobody asked to create it or
/// there are seeds of `tenants`.
Result<Vault> open_vault(const ProtectorOptions& options, store::RootKeyStore& root_keys,
                         store::SeedStore& seeds, const std::set<std::string>& tenants);

struct RotationOptions {
  std::string from;     ///< a protector that opens the root key
  std::string to;       ///< the one that shall
  bool create = false;  ///< `to`'s key where it is missing
  bool keep = false;    ///< `from`'s wrap stays
};
/// The keys that protect the database afterwards.
Result<std::vector<std::string>> rotate(const RotationOptions& options, store::RootKeyStore& root_keys);

}  // namespace sealift::securitymodule
