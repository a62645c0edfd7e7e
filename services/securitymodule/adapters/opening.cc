// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/opening.h"

#include <fmt/core.h>

#include "services/securitymodule/adapters/key_file.h"

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

Status create_keys(const KeyFileOptions& options, store::RootKeyStore& root_keys) {
  const auto created = KeyFileProtector::create(options.path);
  if (!created && created.error().code != ErrorCode::already_exists) return created;
  SEALIFT_TRY(const auto protector, KeyFileProtector::open(options.path));
  return make_root_key(root_keys, protector);
}

}  // namespace

Result<Vault> open_vault_with_key_file(const KeyFileOptions& options, store::RootKeyStore& root_keys,
                                       store::SeedStore& seeds, const std::set<std::string>& tenants) {
  SEALIFT_TRY(const auto known, has_root_key(root_keys));
  if (!known) {
    SEALIFT_CHECK(expect_no_seeds(seeds, tenants));
    if (!options.create) {
      return fail(ErrorCode::failed_precondition,
                  "the database has no key yet: start once with --insecure-create-key",
                  "insecure-create-key");
    }
    SEALIFT_CHECK(create_keys(options, root_keys));
  }
  const auto protector = KeyFileProtector::open(options.path);
  if (!protector && protector.error().code == ErrorCode::not_found) {
    return fail(
        ErrorCode::failed_precondition,
        fmt::format(
            "the seeds of this database are protected by a key file, and {} is not there: restore it; "
            "no new key can open them",
            options.path.string()),
        "insecure-key-file");
  }
  if (!protector) return tl::unexpected(protector.error());
  return open_vault(root_keys, *protector);
}

}  // namespace sealift::securitymodule
