// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/sealed_heads.h"

#include <algorithm>
#include <set>

#include "base/names.h"
#include "crypto/random.h"
#include "formats/esm/insertion.h"
#include "services/frontend/domain/announcement.h"
#include "services/frontend/domain/images.h"

namespace sealift::frontend {
namespace {

constexpr std::size_t kMaxSetName = 63;
constexpr std::size_t kPolicySize = 32;
constexpr int kMaxHosts = 1000;
constexpr int kMaxSets = 8;  // of one image: a launch looks into each
constexpr int kUsualPage = 100;
constexpr int kMaxPage = 1000;
constexpr std::uint32_t kRewritten = 16;  // heads that one call changes at most

tl::unexpected<Error> refuse(const char* field, const char* what) {
  return fail(ErrorCode::invalid_argument, what, field);
}

Bytes bytes(const std::string& text) { return to_bytes(as_bytes(text)); }

Result<std::vector<esm::Target>> targets_of(const v1::PutSealedHeadRequest& request) {
  if (request.sealed_data().empty() || request.sealed_data_size() > kMaxHosts)
    return refuse("sealed_data", "a head is sealed to 1 to 1000 hosts");
  std::set<std::string> names;
  std::vector<esm::Target> targets;
  for (const auto& data : request.sealed_data()) {
    if (!names.insert(data.storage_key_name()).second) return refuse("sealed_data", "a host is there twice");
    targets.push_back({bytes(data.storage_key_name()), bytes(data.policy()), bytes(data.public_area()),
                       bytes(data.duplicate()), bytes(data.seed())});
  }
  return targets;
}

Result<state::v1::SealedHeadDocument> document_of(const store::SealedHeadRecord& record) {
  state::v1::SealedHeadDocument document;
  if (!document.ParseFromArray(record.document.data(), static_cast<int>(record.document.size())))
    return fail(ErrorCode::internal, "what is kept of the sealed head is damaged", "set");
  return document;
}

Result<objects::ObjectKey> object_of(const state::v1::SealedHeadDocument& document) {
  return objects::ObjectKey::head(document.object());
}

v1::SealedHead description(const store::SealedHeadRecord& record,
                           const state::v1::SealedHeadDocument& document) {
  v1::SealedHead described;
  described.set_image_id(record.image_id);
  described.set_set(record.set);
  described.set_policy(document.policy());
  described.set_sealed_at(document.sealed_at());
  described.set_size(document.size());
  described.set_host_count(static_cast<std::uint32_t>(document.hosts_size()));
  return described;
}

}  // namespace

Result<v1::SealedHead> SealedHeads::put(const std::string& tenant, const v1::PutSealedHeadRequest& request) {
  if (!is_plain_name(request.set(), kMaxSetName))
    return refuse("set", "a set's name is 1 to 63 of A-Z a-z 0-9 - _ .");
  if (request.policy().size() != kPolicySize) return refuse("policy", "a policy's digest has 32 bytes");
  SEALIFT_TRY(auto targets, targets_of(request));
  SEALIFT_TRY(const auto image, find_image(images_, tenant, request.image_id()));
  SEALIFT_TRY(const auto kept, images_.document(tenant, image.image_id));
  SEALIFT_TRY(const auto announced, read_document(kept));
  if (announced.head().empty())
    return fail(ErrorCode::failed_precondition, "an image for SEV is not sealed: each launch is proven",
                "image_id");
  SEALIFT_TRY(const auto head, cpio::read_head(as_bytes(announced.head())));
  SEALIFT_TRY(const auto sealed, esm::head_for_many(head, std::move(targets)));

  SEALIFT_TRY(const auto present, store_.list_of_image(tenant, image.image_id, kMaxSets + 1));
  const auto earlier = std::ranges::find(present, request.set(), &store::SealedHeadRecord::set);
  if (earlier == present.end() && present.size() >= static_cast<std::size_t>(kMaxSets))
    return fail(ErrorCode::resource_exhausted, "an image is sealed to 8 sets at most: remove one", "set");
  v1::SealedHead described;
  described.set_policy(request.policy());
  for (const auto& data : request.sealed_data()) described.add_hosts(data.storage_key_name());
  SEALIFT_CHECK(replace({tenant, image.image_id, request.set(), {}},
                        earlier == present.end() ? Bytes{} : earlier->document, sealed, described));
  return described;
}

/// The object first: a row never names one that was not there. What a kill leaves behind is an object that
/// nobody names.
Status SealedHeads::replace(store::SealedHeadRecord record, const Bytes& before, ByteView head,
                            v1::SealedHead& described) {
  state::v1::SealedHeadDocument document;
  document.set_policy(described.policy());
  document.set_sealed_at(seconds_now(clock_));
  document.set_object("set-" + to_hex(crypto::random_array<16>()));
  document.set_size(head.size());
  *document.mutable_hosts() = described.hosts();
  SEALIFT_TRY(const auto key, object_of(document));
  SEALIFT_CHECK(objects_.put(key, head));
  record.document = bytes(document.SerializeAsString());
  auto put = store_.put(record, before);
  if (!put) {
    (void)objects_.remove(key);
    return put;
  }
  if (!before.empty()) {
    SEALIFT_TRY(const auto earlier, document_of({{}, {}, {}, before}));
    if (const auto old = object_of(earlier)) (void)objects_.remove(*old);
  }
  auto hosts = std::move(*described.mutable_hosts());
  described = description(record, document);
  *described.mutable_hosts() = std::move(hosts);
  return {};
}

Result<v1::ListSealedHeadsResponse> SealedHeads::list(const std::string& tenant,
                                                      const v1::ListSealedHeadsRequest& request) {
  const auto limit = request.limit() == 0
                         ? kUsualPage
                         : static_cast<int>(std::min(request.limit(), static_cast<std::uint32_t>(kMaxPage)));
  SEALIFT_TRY(const auto records,
              store_.list(tenant, request.after().image_id(), request.after().set(), limit));
  v1::ListSealedHeadsResponse response;
  for (const auto& record : records) {
    if (!request.set().empty() && record.set != request.set()) continue;
    SEALIFT_TRY(const auto document, document_of(record));
    *response.add_heads() = description(record, document);
  }
  if (records.size() == static_cast<std::size_t>(limit)) {
    response.mutable_next()->set_image_id(records.back().image_id);
    response.mutable_next()->set_set(records.back().set);
  }
  return response;
}

Status SealedHeads::remove(const std::string& tenant, const std::string& image_id, const std::string& set) {
  SEALIFT_TRY(const auto removed, store_.remove(tenant, image_id, set));
  if (!removed) return {};
  SEALIFT_TRY(const auto document, document_of(*removed));
  SEALIFT_TRY(const auto key, object_of(document));
  return objects_.remove(key);
}

Result<v1::RemoveSealedHostsResponse> SealedHeads::remove_hosts(const std::string& tenant,
                                                                const v1::RemoveSealedHostsRequest& request) {
  if (request.storage_key_names().empty() || request.storage_key_names_size() > kMaxHosts)
    return refuse("storage_key_names", "name 1 to 1000 hosts");
  SEALIFT_TRY(const auto records,
              store_.list(tenant, request.after().image_id(), request.after().set(), kUsualPage));
  v1::RemoveSealedHostsResponse response;
  for (const auto& record : records) {
    SEALIFT_TRY(const auto changed, remove_hosts(record, request));
    response.set_heads(response.heads() + (changed ? 1 : 0));
    const bool last = &record == &records.back();
    const bool more = !last || records.size() == static_cast<std::size_t>(kUsualPage);
    if (more && (last || response.heads() == kRewritten)) {
      response.mutable_next()->set_image_id(record.image_id);
      response.mutable_next()->set_set(record.set);
      break;
    }
  }
  return response;
}

Result<bool> SealedHeads::remove_hosts(const store::SealedHeadRecord& record,
                                       const v1::RemoveSealedHostsRequest& request) {
  SEALIFT_TRY(const auto document, document_of(record));
  const std::set<std::string> unwanted{request.storage_key_names().begin(),
                                       request.storage_key_names().end()};
  v1::SealedHead described;
  described.set_policy(document.policy());
  for (const auto& host : document.hosts())
    if (!unwanted.contains(host)) described.add_hosts(host);
  if (described.hosts_size() == document.hosts_size()) return false;
  if (described.hosts().empty()) {
    SEALIFT_CHECK(remove(record.tenant, record.image_id, record.set));
    return true;
  }
  SEALIFT_TRY(const auto key, object_of(document));
  SEALIFT_TRY(const auto stored, objects_.read(key, 0, document.size()));
  SEALIFT_TRY(const auto head, cpio::read_head(stored));
  SEALIFT_TRY(auto operand, esm::operand_of(head));
  for (const auto& host : unwanted) {
    const auto removed = operand.remove_target(as_bytes(host));
    if (!removed && removed.error().code != ErrorCode::no_target_for_host)
      return tl::unexpected(removed.error());
  }
  SEALIFT_TRY(const auto rewritten, cpio::make_head(operand.serialise()));
  SEALIFT_CHECK(replace(record, record.document, rewritten, described));
  return true;
}

Status SealedHeads::drop(const store::ImageName& image) {
  for (;;) {
    SEALIFT_TRY(const auto heads, store_.list_of_image(image.tenant, image.image_id, kMaxSets));
    if (heads.empty()) return {};
    for (const auto& head : heads) SEALIFT_CHECK(remove(head.tenant, head.image_id, head.set));
  }
}

Status SealedHeads::add_to(const store::ImageName& image, v1::InstanceImage& instance) {
  SEALIFT_TRY(const auto heads, store_.list_of_image(image.tenant, image.image_id, kMaxSets));
  for (const auto& head : heads) {
    SEALIFT_TRY(const auto document, document_of(head));
    auto& object = *instance.add_sealed_heads();
    object.set_name(document.object());
    object.set_size(document.size());
  }
  return {};
}

}  // namespace sealift::frontend
