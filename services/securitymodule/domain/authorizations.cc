// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/authorizations.h"

namespace sealift::securitymodule {
namespace {

/// The key's `policy`: the policy digest, and the insertion of the seed.
Bytes policy_of(const OpenedSeed& seed) {
  ByteWriter out;
  out.bytes(seed.policy->sealing_policy().view()).bytes(seed.insertion);
  return std::move(out).take();
}

std::string text_of(ByteView bytes) { return std::string{as_text(bytes)}; }

}  // namespace

Result<std::optional<v1::SealedData>> Authorizations::find(const ImageKey& image, const OpenedSeed& seed,
                                                           const tpm::Name& storage_key_name) {
  const auto record =
      store_.get(image.tenant, image.id.hex(), {to_bytes(storage_key_name.view()), policy_of(seed)});
  if (!record && record.error().code == ErrorCode::not_found) return std::nullopt;
  if (!record) return tl::unexpected(record.error());
  return read(*record);
}

Result<MadeAuthorization> Authorizations::make(const ImageKey& image, const OpenedSeed& seed,
                                               const tpm::Public& storage_key) {
  SEALIFT_TRY(const auto parent, prepare(storage_key));
  const auto& policy = seed.policy->sealing_policy();
  SEALIFT_TRY(const auto sealed, parent->seal(seed.seed.expose(), policy));
  v1::SealedData data;
  data.set_storage_key_name(text_of(parent->name().view()));
  data.set_policy(text_of(policy.view()));
  data.set_public_area(text_of(sealed.public_area));
  data.set_duplicate(text_of(sealed.duplicate));
  data.set_seed(text_of(sealed.seed));
  store::AuthorizationRecord record{image.tenant,
                                    image.id.hex(),
                                    to_bytes(parent->name().view()),
                                    policy_of(seed),
                                    {},
                                    crypto::unix_seconds(clock_.now())};
  record.sealed_data = vault_.stamp(
      RecordKind::authorization,
      {as_bytes(record.tenant), as_bytes(record.image_id), record.storage_key_name, record.policy},
      as_bytes(data.SerializeAsString()));
  SEALIFT_TRY(const auto stored, store_.put_if_absent(record));
  SEALIFT_TRY(auto kept, read(stored));
  return MadeAuthorization{std::move(kept), stored.sealed_data == record.sealed_data};
}

// A name is the digest of all that a key is.
void Authorizations::know(const tpm::StorageKey& storage_key) {
  prepared_.keep(crypto::Digest{storage_key.name().view()},
                 std::make_shared<const tpm::StorageKey>(storage_key));
}

Result<std::shared_ptr<const tpm::StorageKey>> Authorizations::prepare(const tpm::Public& storage_key) {
  const crypto::Digest name{storage_key.name().view()};
  if (auto known = prepared_.find(name)) return known;
  SEALIFT_TRY(auto prepared, tpm::StorageKey::prepare(storage_key));
  auto made = std::make_shared<const tpm::StorageKey>(std::move(prepared));
  prepared_.keep(name, made);
  return made;
}

Result<v1::SealedData> Authorizations::read(const store::AuthorizationRecord& record) const {
  SEALIFT_TRY(const auto content, vault_.check(RecordKind::authorization,
                                               {as_bytes(record.tenant), as_bytes(record.image_id),
                                                record.storage_key_name, record.policy},
                                               record.sealed_data));
  v1::SealedData data;
  if (!data.ParseFromArray(content.data(), static_cast<int>(content.size())))
    return fail(ErrorCode::malformed, "the stored authorization cannot be read", "sealed_data");
  return data;
}

}  // namespace sealift::securitymodule
