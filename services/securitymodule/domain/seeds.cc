// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/seeds.h"

#include <algorithm>

#include "crypto/random.h"
#include "services/securitymodule/domain/page.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kInsertionSize = 16;
constexpr std::size_t kPageBytes = 1024UL * 1024;
constexpr int kBatch = 1000;

/// What a SeedRecord keeps beside the seed: insertion ‖ policy document.
Bytes metadata_of(const ImagePolicy& policy) {
  ByteWriter out;
  out.bytes(crypto::random_array<kInsertionSize>()).bytes(policy.document());
  return std::move(out).take();
}

}  // namespace

SecretBytes take_seed(v1::PutSeedRequest& request) {
  auto& seed = *request.mutable_seed();
  return SecretBytes{std::span{reinterpret_cast<std::uint8_t*>(seed.data()), seed.size()}};
}

Status Seeds::put(const ImageKey& image, const SecretBytes& seed, const ImagePolicy& policy) {
  const auto known = compare(image, seed, policy);
  if (known || known.error().code != ErrorCode::not_found) return known;
  SEALIFT_CHECK(drop_authorizations(image));
  store::SeedRecord record{
      image.tenant, image.id.hex(), {}, metadata_of(policy), crypto::unix_seconds(clock_.now()), 0};
  record.wrapped_seed = vault_.wrap(seed.expose(), {record.tenant, record.image_id, record.metadata});
  const auto created = seeds_.create(record);
  if (!created && created.error().code == ErrorCode::already_exists) return compare(image, seed, policy);
  return created;
}

Status Seeds::compare(const ImageKey& image, const SecretBytes& seed, const ImagePolicy& policy) {
  SEALIFT_TRY(const auto stored, open(image));
  if (!stored.seed.equals(seed.expose()))
    return fail(ErrorCode::already_exists, "the image has another seed", "seed");
  if (stored.policy->document() != policy.document())
    return fail(ErrorCode::already_exists, "the image's seed has another policy", "policy");
  return {};
}

Result<OpenedSeed> Seeds::open(const ImageKey& image) {
  const auto record = seeds_.get(image.tenant, image.id.hex());
  if (record) return open(*record);
  if (record.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "there is no seed of this image", "image_id");
  return tl::unexpected(record.error());
}

Result<OpenedSeed> Seeds::open(const store::SeedRecord& record) {
  SEALIFT_TRY(auto seed,
              vault_.unwrap(record.wrapped_seed, {record.tenant, record.image_id, record.metadata}));
  ByteReader metadata{record.metadata};
  SEALIFT_TRY(const auto insertion, metadata.take(kInsertionSize));
  SEALIFT_TRY(auto policy, policies_.read(metadata.rest()));
  return OpenedSeed{std::move(seed), std::move(policy), to_bytes(insertion)};
}

Result<v1::ListSeedsResponse> Seeds::list(const std::string& tenant, const v1::ListSeedsRequest& request) {
  SEALIFT_TRY(const auto limit, page_limit(request.limit()));
  SEALIFT_TRY(const auto records, seeds_.list(tenant, request.after(), limit + 1));
  v1::ListSeedsResponse page;
  for (const auto& record : records) {
    if (page.seeds_size() == limit || page.ByteSizeLong() > kPageBytes) {
      page.set_more(true);
      break;
    }
    SEALIFT_TRY(const auto stored, open(record));
    SEALIFT_TRY(const auto count, count_authorizations(record));
    auto& seed = *page.add_seeds();
    seed.set_image_id(record.image_id);
    *seed.mutable_policy() = stored.policy->message();
    seed.set_created_at(record.created_at);
    seed.set_authorizations(count);
  }
  return page;
}

Status Seeds::remove(const ImageKey& image) {
  // The seed first: from then on nothing is made from it any more.
  SEALIFT_CHECK(seeds_.remove(image.tenant, image.id.hex()));
  return drop_authorizations(image);
}

Status Seeds::drop_authorizations(const ImageKey& image) {
  for (;;) {
    SEALIFT_TRY(const auto gone, authorizations_.remove_of_image(image.tenant, image.id.hex(), kBatch));
    if (gone == 0) return {};
  }
}

Result<std::uint32_t> Seeds::count_authorizations(const store::SeedRecord& record) {
  SEALIFT_TRY(const auto made, authorizations_.count_of_image(record.tenant, record.image_id, kMaxCounted));
  return static_cast<std::uint32_t>(made);
}

}  // namespace sealift::securitymodule
