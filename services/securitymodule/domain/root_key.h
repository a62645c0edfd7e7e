// SPDX-License-Identifier: Apache-2.0
/// The one root key of a database: made once, kept wrapped beside what it protects, opened by every replica.
#pragma once

#include "services/securitymodule/domain/protector.h"
#include "services/securitymodule/domain/vault.h"
#include "store/seeds.h"

namespace sealift::securitymodule {

/// failed_precondition at "protector" where the database has no root key, or `protector` holds another key
/// than the one it was wrapped under; authentication_failed where it was altered. Never makes one.
Result<Vault> open_vault(store::RootKeyStore& store, const Protector& protector);
/// Makes one where there is none. For a new database: what an earlier root key protected stays shut.
Status make_root_key(store::RootKeyStore& store, const Protector& protector);

}  // namespace sealift::securitymodule
