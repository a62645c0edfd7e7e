// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/verdicts.h"

namespace sealift::securitymodule {
namespace {

constexpr int kBatch = 1000;

store::VerdictKey key_of(const std::string& tenant, const tpm::Name& storage_key, const ImagePolicy& policy) {
  return {tenant, to_bytes(storage_key.view()), to_bytes(policy.trust().view())};
}

crypto::Digest place_of(const store::VerdictKey& key) {
  return crypto::digest(crypto::HashAlgorithm::sha256,
                        {key.storage_key_name, key.trust, as_bytes(key.tenant)});
}

}  // namespace

void Verdicts::saw(const std::string& tenant, const tee::MeasuredHost& host, const ImagePolicy& policy) {
  const Seen seen{host.platform.hardware_key_hash(), crypto::unix_seconds(clock_.now()),
                  host.platform.holds_until()};
  seen_.keep(place_of(key_of(tenant, host.key.name(), policy)), std::make_shared<const Seen>(seen));
}

Status Verdicts::keep(const std::string& tenant, const tpm::Name& storage_key, const ImagePolicy& policy) {
  const auto key = key_of(tenant, storage_key, policy);
  const auto place = place_of(key);
  const auto seen = seen_.find(place);
  if (!seen) return {};
  const auto kept = kept_.find(place);
  if (kept && *kept == seen->holds_until) return {};
  ByteWriter content;
  content.bytes(seen->hardware_key_hash.view())
      .be64(static_cast<std::uint64_t>(seen->seen_at))
      .be64(static_cast<std::uint64_t>(seen->holds_until));
  SEALIFT_CHECK(
      store_.put(key, vault_.stamp(RecordKind::verdict, {as_bytes(tenant), key.storage_key_name, key.trust},
                                   content.view())));
  kept_.keep(place, std::make_shared<const std::int64_t>(seen->holds_until));
  return {};
}

Status Verdicts::check(const std::string& tenant, const tpm::Name& storage_key,
                       const crypto::Digest& hardware_key_hash, const ImagePolicy& policy) {
  const auto unknown = [] {
    return fail(
        ErrorCode::failed_precondition,
        "the host has not shown its certificates under what this policy says of machines, or they have "
        "changed since: launch on it once",
        "evidence");
  };
  const auto key = key_of(tenant, storage_key, policy);
  SEALIFT_TRY(const auto stored, store_.get(key));
  if (!stored) return unknown();
  SEALIFT_TRY(const auto content, vault_.check(RecordKind::verdict,
                                               {as_bytes(tenant), key.storage_key_name, key.trust}, *stored));
  ByteReader reader{content};
  SEALIFT_TRY(const auto hash, reader.take(hardware_key_hash.size()));
  SEALIFT_TRY(const auto seen_at, reader.be64());
  SEALIFT_TRY(const auto holds_until, reader.be64());
  const auto now = crypto::unix_seconds(clock_.now());
  const bool holds =
      now >= static_cast<std::int64_t>(seen_at) && now < static_cast<std::int64_t>(holds_until);
  if (!holds || !same_bytes(hash, hardware_key_hash.view())) return unknown();
  return {};
}

Status Verdicts::remove_of_host(const std::string& tenant, const tpm::Name& storage_key) {
  for (;;) {
    SEALIFT_TRY(const auto gone, store_.remove_of_host(tenant, to_bytes(storage_key.view()), kBatch));
    if (gone == 0) return {};
  }
}

}  // namespace sealift::securitymodule
