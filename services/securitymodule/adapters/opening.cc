// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/opening.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "services/securitymodule/adapters/protectors.h"

namespace sealift::securitymodule {
namespace {

Result<bool> has_root_key(store::RootKeyStore& root_keys) {
  const auto root_key = root_keys.get();
  if (root_key) return true;
  if (root_key.error().code == ErrorCode::not_found) return false;
  return tl::unexpected(root_key.error());
}

Status expect_no_seeds(store::SeedStore& seeds, const std::set<std::string>& tenants) {
  for (const auto& tenant : tenants) {
    SEALIFT_TRY(const auto found, seeds.list(tenant, {}, 1));
    if (!found.empty()) {
      return fail(
          ErrorCode::failed_precondition,
          "the database holds seeds, but not the key they are wrapped under: restore it from its backup",
          "database");
    }
  }
  return {};
}

Status create_keys(const ProtectorOptions& options, store::RootKeyStore& root_keys) {
  SEALIFT_TRY(const auto protector, open_protector(options.address, MissingKey::make));
  return make_root_key(root_keys, *protector);
}

/// Of a root key that is there: its key is there as well, or lost.
Result<std::unique_ptr<Protector>> open_present(const std::string& address, store::RootKeyStore& root_keys) {
  auto protector = open_protector(address, MissingKey::refuse);
  if (protector || protector.error().code != ErrorCode::not_found) return protector;
  SEALIFT_TRY(const auto keys, protecting_keys(root_keys));
  return fail(ErrorCode::failed_precondition,
              fmt::format("the seeds of this database are protected by the key {}, and it is not there ({}): "
                          "restore it; no new key can open them",
                          fmt::join(keys, " or "), protector.error().message),
              "protector");
}

}  // namespace

Result<Vault> open_vault(const ProtectorOptions& options, store::RootKeyStore& root_keys,
                         store::SeedStore& seeds, const std::set<std::string>& tenants) {
  SEALIFT_TRY(const auto known, has_root_key(root_keys));
  if (!known) {
    SEALIFT_CHECK(expect_no_seeds(seeds, tenants));
    if (!options.create) {
      return fail(ErrorCode::failed_precondition, "the database has no key yet: start once with --create-key",
                  "create-key");
    }
    SEALIFT_CHECK(create_keys(options, root_keys));
  }
  SEALIFT_TRY(const auto protector, open_present(options.address, root_keys));
  return open_vault(root_keys, *protector);
}

Result<std::vector<std::string>> rotate(const RotationOptions& options, store::RootKeyStore& root_keys) {
  SEALIFT_TRY(const auto from, open_present(options.from, root_keys));
  SEALIFT_TRY(const auto to,
              open_protector(options.to, options.create ? MissingKey::make : MissingKey::refuse));
  SEALIFT_CHECK(rewrap(root_keys, *from, *to, options.keep ? OldWraps::keep : OldWraps::remove));
  return protecting_keys(root_keys);
}

}  // namespace sealift::securitymodule
