// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/enrolments.h"

#include <fmt/core.h>

#include "services/securitymodule/domain/page.h"

namespace sealift::securitymodule {
namespace {

Bytes seconds_of(std::int64_t seconds) {
  ByteWriter out;
  out.be64(static_cast<std::uint64_t>(seconds));
  return std::move(out).take();
}

}  // namespace

Status Enrolments::add(const std::string& tenant, const tee::EnrolledHost& host) {
  store::EnrolmentRecord record{tenant,
                                to_bytes(host.storage_key_name().view()),
                                to_bytes(host.hardware_key_hash().view()),
                                {},
                                host.enrolled_at()};
  // The key itself, so that one can seal to the host when it does not ask.
  record.document = vault_.stamp(
      RecordKind::enrolment,
      {as_bytes(tenant), record.storage_key_name, record.hardware_key_hash, seconds_of(record.enrolled_at)},
      host.key().key().tpm2b());
  return store_.put(record);
}

Result<ByteView> Enrolments::check(const store::EnrolmentRecord& record) const {
  return vault_.check(RecordKind::enrolment,
                      {as_bytes(record.tenant), record.storage_key_name, record.hardware_key_hash,
                       seconds_of(record.enrolled_at)},
                      record.document);
}

Result<Enrolments::EnrolledKey> Enrolments::key_of(const std::string& tenant, const Bytes& storage_key_name) {
  const auto record = store_.get(tenant, storage_key_name);
  if (!record && record.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found,
                fmt::format("there is no enrolled host of the name {}", to_hex(storage_key_name)), "hosts");
  if (!record) return tl::unexpected(record.error());
  SEALIFT_TRY(const auto content, check(*record));
  SEALIFT_TRY(auto key, tpm::Public::parse(content));
  return EnrolledKey{std::move(key), crypto::Digest{record->hardware_key_hash}};
}

Result<bool> Enrolments::knows(const std::string& tenant, const tee::MeasuredHost& host) {
  const auto record = store_.get(tenant, to_bytes(host.key.name().view()));
  if (!record && record.error().code == ErrorCode::not_found) return false;
  if (!record) return tl::unexpected(record.error());
  SEALIFT_CHECK(check(*record));
  return same_bytes(record->hardware_key_hash, host.platform.hardware_key_hash().view());
}

Result<v1::ListEnrolledHostsResponse> Enrolments::list(const std::string& tenant,
                                                       const v1::ListEnrolledHostsRequest& request) {
  SEALIFT_TRY(const auto limit, page_limit(request.limit()));
  SEALIFT_TRY(const auto records, store_.list(tenant, to_bytes(as_bytes(request.after())), limit + 1));
  v1::ListEnrolledHostsResponse page;
  for (const auto& record : records) {
    if (page.hosts_size() == limit) {
      page.set_more(true);
      break;
    }
    SEALIFT_CHECK(check(record));
    auto& host = *page.add_hosts();
    host.set_storage_key_name(std::string{as_text(record.storage_key_name)});
    host.set_hardware_key_hash(std::string{as_text(record.hardware_key_hash)});
    host.set_enrolled_at(record.enrolled_at);
  }
  return page;
}

}  // namespace sealift::securitymodule
