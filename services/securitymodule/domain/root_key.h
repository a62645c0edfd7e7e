// SPDX-License-Identifier: Apache-2.0
/// The one root key of a database: made once, kept wrapped beside what it protects, opened by every replica.
///
/// It may be wrapped several times, each by another protector: replicas that have a token or a TPM each, and
/// a protector that follows another. Running replicas hold the root key, so that wrapping it anew is nothing
/// they notice.
#pragma once

#include <vector>

#include "services/securitymodule/domain/protector.h"
#include "services/securitymodule/domain/vault.h"
#include "store/seeds.h"

namespace sealift::securitymodule {

inline constexpr std::size_t kMaxWraps = 64;

/// failed_precondition at "protector" where the database has no root key, or none that `protector`'s key
/// wrapped, which then names those that did; authentication_failed where it was altered. Never makes one.
Result<Vault> open_vault(store::RootKeyStore& store, const Protector& protector);
/// Makes one where there is none. For a new database: what an earlier root key protected stays shut.
Status make_root_key(store::RootKeyStore& store, const Protector& protector);

/// The keys that wrap the root key, each once.
Result<std::vector<std::string>> protecting_keys(store::RootKeyStore& store);
/// What becomes of the wraps by the key that opened it.
enum class OldWraps : std::uint8_t { remove, keep };
/// Wraps the root key, which `from` opens, by `to`, too. Whoever read the database and had `from`'s key
/// before still has the root key. conflict where another did the same at the same time; resource_exhausted.
Status rewrap(store::RootKeyStore& store, const Protector& from, const Protector& to, OldWraps old);

}  // namespace sealift::securitymodule
