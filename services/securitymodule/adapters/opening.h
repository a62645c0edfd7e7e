// SPDX-License-Identifier: Apache-2.0
/// From a database and a key file to a vault. A key is made only for a database that is new, and only on
/// demand: where a key is missing that once was, a new one would hide that nothing can be opened any more.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "services/securitymodule/domain/root_key.h"

namespace sealift::securitymodule {

struct KeyFileOptions {
  std::filesystem::path path;
  bool create =
      false;  ///< the file where it is missing, and the database's root key; both only for a new database
};

/// failed_precondition, and what to do about it, where the database has a root key but the file is gone or
/// holds another key; where the database has no root key, and nobody asked to create it or there are seeds of
/// `tenants`.
Result<Vault> open_vault_with_key_file(const KeyFileOptions& options, store::RootKeyStore& root_keys,
                                       store::SeedStore& seeds, const std::set<std::string>& tenants);

}  // namespace sealift::securitymodule
