// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/root_key.h"

#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kContext = "sealift sm v1 root key";

}  // namespace

Result<Vault> open_vault(store::RootKeyStore& store, const Protector& protector) {
  const auto wrapped = store.get();
  if (!wrapped && wrapped.error().code == ErrorCode::not_found)
    return fail(ErrorCode::failed_precondition, "the database has no root key", "protector");
  if (!wrapped) return tl::unexpected(wrapped.error());
  SEALIFT_TRY(auto root, protector.unwrap(*wrapped, as_bytes(kContext)));
  if (root.size() != kRootKeySize)
    return fail(ErrorCode::authentication_failed, "the database's root key has not its size", "protector");
  return Vault{RootKey{root.expose_for_writing().first<kRootKeySize>()}};
}

Status make_root_key(store::RootKeyStore& store, const Protector& protector) {
  const auto root = crypto::random_secret<kRootKeySize>();
  SEALIFT_TRY(const auto wrapped, protector.wrap(root.expose(), as_bytes(kContext)));
  SEALIFT_CHECK(store.put_if_absent(wrapped));
  return {};
}

}  // namespace sealift::securitymodule
