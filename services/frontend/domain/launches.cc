// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/launches.h"

#include <fmt/core.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "base/names.h"
#include "crypto/unique_id.h"
#include "services/frontend/domain/announcement.h"
#include "services/frontend/domain/images.h"
#include "services/frontend/domain/instance.h"
#include "services/frontend/domain/prices.h"

namespace sealift::frontend {
namespace {

constexpr std::size_t kMaxKey = 64;
constexpr std::size_t kMaxName = 63;
constexpr int kMaxLabels = 64;

Status require(bool good, const char* field, const char* what) {
  if (good) return {};
  return fail(ErrorCode::invalid_argument, what, field);
}

Status check(const v1::CreateLaunchRequest& request) {
  SEALIFT_CHECK(require(is_plain_name(request.idempotency_key(), kMaxKey), "idempotency_key",
                        "an idempotency key is 1 to 64 of A-Z a-z 0-9 - _ ."));
  SEALIFT_CHECK(
      require(request.key_model() == v1::KEY_MODEL_KEEP || request.key_model() == v1::KEY_MODEL_BRING,
              "key_model", "say who keeps the key: KEY_MODEL_KEEP or KEY_MODEL_BRING"));
  SEALIFT_CHECK(require(request.zone().empty() || is_plain_name(request.zone(), kMaxName), "zone",
                        "a zone's name is 1 to 63 of A-Z a-z 0-9 - _ ."));
  const bool few = request.labels().size() <= kMaxLabels;
  const bool names = std::ranges::all_of(request.labels(), [](const auto& label) {
    return is_plain_name(label.first, kMaxName) &&
           (label.second.empty() || is_plain_name(label.second, kMaxName));
  });
  return require(few && names, "labels",
                 "at most 64 labels, each name and value 1 to 63 of A-Z a-z 0-9 - _ .");
}

/// The same for the same request, whatever order its labels are in.
std::string digest_of(const v1::CreateLaunchRequest& request) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream{&text};
    google::protobuf::io::CodedOutputStream coded{&stream};
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return to_hex(crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(text)).view());
}

Result<store::QuoteRecord> find_quote(store::QuoteStore& quotes, const std::string& tenant,
                                      const std::string& id) {
  auto quote = quotes.get(tenant, id);
  if (!quote && quote.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "there is no such quote", "quote_id");
  return quote;
}

v1::Quote to_message(const store::QuoteRecord& record) {
  v1::Quote quote;
  quote.set_quote_id(record.quote_id);
  quote.set_image_id(record.image_id);
  quote.set_cpus(static_cast<std::uint32_t>(record.cpus));
  quote.set_memory_mib(static_cast<std::uint32_t>(record.memory_mib));
  quote.set_price_micros_per_second(static_cast<std::uint64_t>(record.price_micros_per_second));
  quote.set_currency(record.currency);
  quote.set_expires_at(record.expires_at);
  return quote;
}

Result<store::ImageRecord> find_ready(store::ImageStore& images, const std::string& tenant,
                                      const std::string& id) {
  SEALIFT_TRY(auto image, find_image(images, tenant, id));
  if (image.state == store::ImageState::ready) return image;
  return fail(ErrorCode::failed_precondition, "the image is not complete: upload what is missing first",
              "image_id");
}

}  // namespace

Result<v1::Quote> Launches::quote(const std::string& tenant, const v1::GetQuoteRequest& request) {
  SEALIFT_TRY(const auto image, find_ready(images_, tenant, request.image_id()));
  const auto cpus = std::max(request.cpus(), 1U);
  const auto memory =
      request.memory_mib() == 0 ? static_cast<std::uint32_t>(image.memory_mib) : request.memory_mib();
  SEALIFT_CHECK(require(cpus <= kMaxCpus, "cpus", "no machine has so many CPUs"));
  SEALIFT_CHECK(require(memory <= kMaxMemoryMib, "memory_mib", "no machine has so much memory"));
  store::QuoteRecord quote;
  quote.tenant = tenant;
  quote.quote_id = crypto::time_ordered_id(clock_.now());
  quote.image_id = image.image_id;
  quote.cpus = cpus;
  quote.memory_mib = memory;
  quote.price_micros_per_second = static_cast<std::int64_t>(price_of(terms_.prices, cpus, memory));
  quote.currency = terms_.prices.currency;
  quote.created_at = seconds_now(clock_);
  quote.expires_at = quote.created_at + terms_.prices.validity.count();
  SEALIFT_CHECK(quotes_.create(quote));
  return to_message(quote);
}

Result<v1::ZoneCreateLaunchRequest> Launches::zone_request(const store::QuoteRecord& quote,
                                                           const v1::CreateLaunchRequest& request) {
  v1::ZoneCreateLaunchRequest ordered;
  ordered.set_tenant(quote.tenant);
  ordered.set_idempotency_key(request.idempotency_key());
  ordered.set_key_model(request.key_model());
  if (request.key_model() == v1::KEY_MODEL_BRING) {
    const auto known = terms_.security_modules.find(quote.tenant);
    if (known == terms_.security_modules.end())
      return fail(
          ErrorCode::failed_precondition,
          fmt::format("no security module of tenant {0} is known here: keep the key yourself, or have the "
                      "cloud start its front end with --security-module {0}=HOST:PORT",
                      quote.tenant),
          "key_model");
    ordered.set_security_module(known->second);
  }
  SEALIFT_CHECK(find_ready(images_, quote.tenant, quote.image_id));
  SEALIFT_TRY(const auto kept, images_.document(quote.tenant, quote.image_id));
  SEALIFT_TRY(const auto document, read_document(kept));
  SEALIFT_TRY(*ordered.mutable_image(), instance_image(document));
  if (request.key_model() == v1::KEY_MODEL_BRING)
    SEALIFT_CHECK(sealed_.add_to({quote.tenant, quote.image_id}, *ordered.mutable_image()));
  ordered.set_cpus(static_cast<std::uint32_t>(quote.cpus));
  ordered.set_memory_mib(static_cast<std::uint32_t>(quote.memory_mib));
  ordered.set_zone(request.zone());
  *ordered.mutable_labels() = request.labels();
  ordered.set_price_micros_per_second(static_cast<std::uint64_t>(quote.price_micros_per_second));
  ordered.set_max_active(terms_.limits.active_launches);
  return ordered;
}

Result<v1::Launch> Launches::create(Zone& zone, const std::string& tenant,
                                    const v1::CreateLaunchRequest& request) {
  SEALIFT_CHECK(check(request));
  SEALIFT_TRY(const auto quote, find_quote(quotes_, tenant, request.quote_id()));
  const auto digest = digest_of(request);
  if (!quote.launch_id.empty() && quote.consent == digest) return zone.get_launch(tenant, quote.launch_id);
  // All that can be refused is refused before the quote is used up.
  SEALIFT_TRY(const auto ordered, zone_request(quote, request));
  SEALIFT_CHECK(quotes_.consent(tenant, quote.quote_id, digest, seconds_now(clock_)));
  SEALIFT_TRY(auto launch, zone.create_launch(ordered));
  SEALIFT_CHECK(quotes_.bind(tenant, quote.quote_id, digest, launch.launch_id()));
  return launch;
}

}  // namespace sealift::frontend
