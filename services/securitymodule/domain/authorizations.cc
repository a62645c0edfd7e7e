// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/authorizations.h"

namespace sealift::securitymodule {
namespace {

/// Of the sealed object: the states that the storage key is bound to, which the image's policy approves of.
crypto::Digest sealing_policy(const tee::VerifiedStorageKey& storage_key) {
  return storage_key.approved().sealing_policy();
}

/// The key's `policy`: the policy digest, and the insertion of the seed.
Bytes policy_of(const OpenedSeed& seed, const crypto::Digest& policy) {
  ByteWriter out;
  out.bytes(policy.view()).bytes(seed.insertion);
  return std::move(out).take();
}

std::string text_of(ByteView bytes) { return std::string{as_text(bytes)}; }

}  // namespace

Result<std::optional<v1::SealedData>> Authorizations::find(const ImageKey& image, const OpenedSeed& seed,
                                                           const tee::VerifiedStorageKey& storage_key) {
  const auto record =
      store_.get(image.tenant, image.id.hex(),
                 {to_bytes(storage_key.name().view()), policy_of(seed, sealing_policy(storage_key))});
  if (!record && record.error().code == ErrorCode::not_found) return std::nullopt;
  if (!record) return tl::unexpected(record.error());
  return read(*record);
}

Result<MadeAuthorization> Authorizations::make(const ImageKey& image, const OpenedSeed& seed,
                                               const tee::VerifiedStorageKey& storage_key) {
  SEALIFT_TRY(const auto parent, prepare(storage_key.key()));
  const auto policy = sealing_policy(storage_key);
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
                                    policy_of(seed, policy),
                                    {},
                                    crypto::unix_seconds(clock_.now())};
  record.sealed_data = vault_.stamp(
      RecordKind::authorization,
      {as_bytes(record.tenant), as_bytes(record.image_id), record.storage_key_name, record.policy},
      as_bytes(data.SerializeAsString()));
  SEALIFT_TRY(const auto stored, store(record, seed.policy->maximum_hosts()));
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

Result<store::AuthorizationRecord> Authorizations::store(const store::AuthorizationRecord& record,
                                                         std::uint32_t maximum) {
  if (maximum == 0) return store_.put_if_absent(record);
  auto stored = store_.put_if_room(record, maximum);
  if (stored || stored.error().code != ErrorCode::resource_exhausted) return stored;
  return fail(ErrorCode::failed_precondition,
              "the image was authorized for as many hosts as its policy allows", "policy.maximum_hosts");
}

Result<std::uint32_t> Authorizations::remove_of_host(const std::string& tenant,
                                                     const tpm::Name& storage_key) {
  constexpr int kBatch = 1000;
  std::uint32_t all = 0;
  for (;;) {
    SEALIFT_TRY(const auto gone, store_.remove_of_host(tenant, to_bytes(storage_key.view()), kBatch));
    if (gone == 0) return all;
    all += static_cast<std::uint32_t>(gone);
  }
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
