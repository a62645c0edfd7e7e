// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/host_sets.h"

#include <fmt/core.h>

#include <set>

#include "base/names.h"
#include "services/securitymodule/domain/page.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kMaxSetName = 63;

tl::unexpected<Error> refuse(const char* field, const char* what) {
  return fail(ErrorCode::invalid_argument, what, field);
}

Status check_shape(const v1::HostSet& set) {
  if (!is_plain_name(set.name(), kMaxSetName))
    return refuse("name", "a set's name is 1 to 63 of A-Z a-z 0-9 - _ .");
  if (set.hosts_size() > kMaxSetHosts) return refuse("hosts", "a set has at most 1000 hosts");
  if (set.labels_size() > kMaxSetLabels) return refuse("labels", "a set has at most 64 labels");
  for (const auto& [name, value] : set.labels()) {
    if (!is_plain_name(name, kMaxSetName) || (!value.empty() && !is_plain_name(value, kMaxSetName)))
      return refuse("labels", "a label's name and value are 1 to 63 of A-Z a-z 0-9 - _ .");
  }
  std::set<std::string> names;
  for (const auto& host : set.hosts()) {
    if (!tpm::Name::parse(as_bytes(host))) return refuse("hosts", "a host is the name of its storage key");
    if (!names.insert(host).second) return refuse("hosts", "a host is there twice");
  }
  return {};
}

}  // namespace

Result<v1::HostSet> HostSets::put(const std::string& tenant, v1::HostSet set) {
  SEALIFT_CHECK(check_shape(set));
  for (const auto& host : set.hosts()) SEALIFT_CHECK(enrolments_.key_of(tenant, to_bytes(as_bytes(host))));
  const auto version = static_cast<std::int64_t>(set.version());
  set.clear_host_count();
  set.clear_version();
  set.DiscardUnknownFields();
  store::HostSetRecord record{tenant, set.name(), {}, version};
  record.document = vault_.stamp(RecordKind::host_set, {as_bytes(tenant), as_bytes(set.name())},
                                 as_bytes(set.SerializeAsString()));
  if (version == 0) {
    SEALIFT_CHECK(store_.create(record, kMaxSets));
    set.set_version(1);
  } else {
    SEALIFT_TRY(const auto changed, store_.update(record));
    set.set_version(static_cast<std::uint64_t>(changed));
  }
  set.set_host_count(static_cast<std::uint32_t>(set.hosts_size()));
  return set;
}

Result<v1::HostSet> HostSets::read(const store::HostSetRecord& record) {
  SEALIFT_TRY(
      const auto content,
      vault_.check(RecordKind::host_set, {as_bytes(record.tenant), as_bytes(record.name)}, record.document));
  v1::HostSet set;
  if (!set.ParseFromArray(content.data(), static_cast<int>(content.size())))
    return fail(ErrorCode::malformed, "the stored set cannot be read", "name");
  set.set_version(static_cast<std::uint64_t>(record.version));
  set.set_host_count(static_cast<std::uint32_t>(set.hosts_size()));
  return set;
}

Result<v1::HostSet> HostSets::get(const std::string& tenant, const std::string& name) {
  const auto record = store_.get(tenant, name);
  if (record) return read(*record);
  if (record.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "there is no such set", "name");
  return tl::unexpected(record.error());
}

Result<v1::ListSetsResponse> HostSets::list(const std::string& tenant, const v1::ListSetsRequest& request) {
  SEALIFT_TRY(const auto limit, page_limit(request.limit()));
  SEALIFT_TRY(const auto records, store_.list(tenant, request.after(), limit + 1));
  v1::ListSetsResponse page;
  for (const auto& record : records) {
    if (page.sets_size() == limit) {
      page.set_more(true);
      break;
    }
    SEALIFT_TRY(*page.add_sets(), read(record));
    page.mutable_sets()->rbegin()->clear_hosts();
  }
  return page;
}

Status HostSets::remove(const std::string& tenant, const std::string& name) {
  return store_.remove(tenant, name);
}

}  // namespace sealift::securitymodule
