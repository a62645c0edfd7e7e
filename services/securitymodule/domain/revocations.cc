// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/revocations.h"

#include <fmt/core.h>

#include "services/securitymodule/domain/page.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kHardwareKeySize = 32;

tl::unexpected<Error> no_subject(const char* why) {
  return fail(ErrorCode::invalid_argument, why, "subject");
}

Result<store::RevocationKey> key_of(const v1::Revocation& revocation) {
  const auto subject = as_bytes(revocation.subject());
  switch (revocation.kind()) {
    case v1::REVOCATION_KIND_HARDWARE_KEY:
      if (subject.size() != kHardwareKeySize) return no_subject("a hardware key's hash has 32 bytes");
      break;
    case v1::REVOCATION_KIND_HOST:
      if (!tpm::Name::parse(subject)) return no_subject("a host is the name of its storage key");
      break;
    case v1::REVOCATION_KIND_IMAGE:
      if (subject.size() != esm::ImageId::kSize) return no_subject("an image's id has 16 bytes");
      break;
    default:
      return fail(ErrorCode::invalid_argument, "one revokes a hardware key, a host or an image", "kind");
  }
  return store::RevocationKey{revocation.kind(), to_bytes(subject)};
}

Bytes stamped_content(const store::RevocationRecord& record) {
  ByteWriter out;
  out.be64(static_cast<std::uint64_t>(record.revoked_at));
  return std::move(out).take();
}

Bytes kind_of(const store::RevocationKey& key) {
  ByteWriter out;
  out.be64(static_cast<std::uint64_t>(key.kind));
  return std::move(out).take();
}

}  // namespace

Status Revocations::add(const std::string& tenant, const v1::Revocation& revocation) {
  SEALIFT_TRY(auto key, key_of(revocation));
  store::RevocationRecord record{tenant, std::move(key), {}, crypto::unix_seconds(clock_.now())};
  record.document =
      vault_.stamp(RecordKind::revocation, {as_bytes(tenant), kind_of(record.key), record.key.subject},
                   stamped_content(record));
  return store_.put(record);
}

Status Revocations::remove(const std::string& tenant, const v1::Revocation& revocation) {
  SEALIFT_TRY(const auto key, key_of(revocation));
  return store_.remove(tenant, key);
}

Result<v1::ListRevocationsResponse> Revocations::list(const std::string& tenant,
                                                      const v1::ListRevocationsRequest& request) {
  SEALIFT_TRY(const auto limit, page_limit(request.limit()));
  const store::RevocationKey after{request.after().kind(), to_bytes(as_bytes(request.after().subject()))};
  SEALIFT_TRY(const auto records, store_.list(tenant, after, limit + 1));
  v1::ListRevocationsResponse page;
  for (const auto& record : records) {
    if (page.revocations_size() == limit) {
      page.set_more(true);
      break;
    }
    SEALIFT_CHECK(vault_.check(RecordKind::revocation,
                               {as_bytes(tenant), kind_of(record.key), record.key.subject}, record.document));
    auto& added = *page.add_revocations();
    added.set_kind(static_cast<v1::RevocationKind>(record.key.kind));
    added.set_subject(std::string{as_text(record.key.subject)});
    added.set_revoked_at(record.revoked_at);
  }
  return page;
}

Status Revocations::check(const ImageKey& image, const crypto::Digest& hardware_key_hash,
                          const tpm::Name& storage_key) {
  return check(image.tenant, {{v1::REVOCATION_KIND_IMAGE, to_bytes(image.id.view())},
                              {v1::REVOCATION_KIND_HARDWARE_KEY, to_bytes(hardware_key_hash.view())},
                              {v1::REVOCATION_KIND_HOST, to_bytes(storage_key.view())}});
}

Status Revocations::check(const ImageKey& image, const crypto::Digest& hardware_key_hash) {
  return check(image.tenant, {{v1::REVOCATION_KIND_IMAGE, to_bytes(image.id.view())},
                              {v1::REVOCATION_KIND_HARDWARE_KEY, to_bytes(hardware_key_hash.view())}});
}

Status Revocations::check(const std::string& tenant, const std::vector<store::RevocationKey>& keys) {
  const auto refuse = [](const char* what, const char* field) {
    return fail(ErrorCode::failed_precondition, fmt::format("the tenant has revoked {}", what), field);
  };
  SEALIFT_TRY(const auto revoked, store_.find(tenant, keys));
  switch (revoked) {
    case 0:
      return {};
    case v1::REVOCATION_KIND_IMAGE:
      return refuse("this image", "image_id");
    case v1::REVOCATION_KIND_HARDWARE_KEY:
      return refuse("this machine's hardware key", "hardware_key");
    default:
      return refuse("this host", "storage_key");
  }
}

}  // namespace sealift::securitymodule
