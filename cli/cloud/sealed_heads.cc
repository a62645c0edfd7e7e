// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/sealed_heads.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/cancellation.h"
#include "cli/cloud/event_text.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kSealsAtOnce = 1000;
constexpr std::size_t kImagesAtOnce = 100;
constexpr std::chrono::milliseconds kPause{200};
constexpr int kTries = 1500;  // five minutes

std::string image_method(const char* name) { return std::string{"sealift.v1.ImageService."} + name; }

/// Of calls, connections or bytes, as servers count them: it goes by.
bool is_over_rate(const Error& error) {
  return error.code == ErrorCode::resource_exhausted && error.field == "limit";
}

/// As the channel does it, and patient with a server that counts a tenant's calls.
template <class Response, class Request>
Result<Response> call(rpc::Channel& channel, const std::string& method, const Request& request) {
  for (int tries = 1;; ++tries) {
    SEALIFT_CHECK(check_not_cancelled());
    auto answer = channel.call<Response>(method, request);
    if (answer || !is_over_rate(answer.error()) || tries == kTries) return answer;
    std::this_thread::sleep_for(kPause);
  }
}

/// No more than so many a second since the first.
class Throttle {
 public:
  explicit Throttle(std::uint32_t rate) : rate_{rate} {}
  Status wait_after(std::uint64_t done) {
    if (rate_ == 0) return {};
    const auto due = begun_ + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(static_cast<double>(done) / rate_));
    while (Clock::now() < due) {
      SEALIFT_CHECK(check_not_cancelled());
      std::this_thread::sleep_for(std::min<Clock::duration>(kPause, due - Clock::now()));
    }
    return {};
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::uint32_t rate_;
  Clock::time_point begun_ = Clock::now();
};

/// Gives `work` each head that the front end has, of that set alone where one is named.
template <typename Work>
Status for_each_head(rpc::Channel& frontend, const std::string& set, Work work) {
  v1::ListSealedHeadsRequest request;
  request.set_set(set);
  for (bool more = true; more;) {
    SEALIFT_TRY(const auto page,
                call<v1::ListSealedHeadsResponse>(frontend, image_method("ListSealedHeads"), request));
    for (const auto& head : page.heads()) SEALIFT_CHECK(work(head));
    more = page.has_next();
    *request.mutable_after() = page.next();
  }
  return {};
}

Status remove_head(rpc::Channel& frontend, const std::string& image_id, const std::string& set) {
  v1::RemoveSealedHeadRequest request;
  request.set_image_id(image_id);
  request.set_set(set);
  SEALIFT_CHECK(call<v1::RemoveSealedHeadResponse>(frontend, image_method("RemoveSealedHead"), request));
  return {};
}

class Batch {
 public:
  Batch(rpc::Channel& security_module, rpc::Channel& frontend, const v1::HostSet& set)
      : security_module_{security_module}, frontend_{frontend}, set_{set} {}

  Status seal(std::span<const std::string> image_ids) {
    v1::SealToSetRequest request;
    request.set_name(set_.name());
    for (const auto& id : image_ids) request.add_image_ids(id);
    SEALIFT_TRY(const auto sealed, call<v1::SealToSetResponse>(
                                       security_module_, "sealift.v1.HostSetService.SealToSet", request));
    if (sealed.images_size() != request.image_ids_size())
      return fail(ErrorCode::malformed, "the security module answers for other images than were named",
                  "images");
    for (int i = 0; i < sealed.images_size(); ++i)
      SEALIFT_CHECK(keep(request.image_ids(i), sealed.images(i)));
    return {};
  }
  SealedAhead& outcome() { return outcome_; }

 private:
  Status keep(const std::string& image_id, const v1::SealedImage& image) {
    v1::PutSealedHeadRequest request;
    request.set_image_id(image_id);
    request.set_set(set_.name());
    request.set_policy(image.policy());
    if (image.has_refusal()) outcome_.refused.emplace_back(image_id, as_error(image.refusal()));
    for (const auto& host : image.hosts()) {
      if (host.has_sealed_data()) {
        *request.add_sealed_data() = host.sealed_data();
      } else {
        outcome_.refused.emplace_back(
            fmt::format("{} for {}", image_id, to_hex(as_bytes(host.storage_key_name()))),
            as_error(host.refusal()));
      }
    }
    // What may not be sealed any more is not kept from before either.
    if (request.sealed_data().empty()) return remove_head(frontend_, image_id, set_.name());
    const auto kept = call<v1::SealedHead>(frontend_, image_method("PutSealedHead"), request);
    if (!kept && kept.error().code == ErrorCode::not_found) {
      outcome_.refused.emplace_back(image_id, kept.error());
      return {};
    }
    if (!kept) return tl::unexpected(kept.error());
    outcome_.images += 1;
    outcome_.seals += static_cast<std::uint64_t>(request.sealed_data_size());
    return {};
  }

  rpc::Channel& security_module_;
  rpc::Channel& frontend_;
  const v1::HostSet& set_;
  SealedAhead outcome_;
};

}  // namespace

Result<SealedAhead> seal_ahead(const Cloud& cloud, const v1::HostSet& set,
                               const std::vector<std::string>& image_ids, std::uint32_t rate,
                               Progress& progress) {
  SEALIFT_TRY(const auto security_module, cloud.security_module());
  SEALIFT_TRY(const auto frontend, cloud.frontend());
  Batch batch{*security_module, *frontend, set};
  Throttle throttle{rate};
  const auto hosts = std::max<std::size_t>(static_cast<std::size_t>(set.hosts_size()), 1);
  const auto at_once = std::clamp<std::size_t>(kSealsAtOnce / hosts, 1, kImagesAtOnce);
  progress.start("sealing to " + set.name(), image_ids.size());
  std::uint64_t done = 0;
  for (std::span<const std::string> rest{image_ids}; !rest.empty();) {
    const auto some = rest.first(std::min(at_once, rest.size()));
    SEALIFT_CHECK(batch.seal(some));
    progress.advance(some.size());
    done += some.size() * hosts;
    rest = rest.subspan(some.size());
    SEALIFT_CHECK(throttle.wait_after(done));
  }
  progress.finish();
  return std::move(batch.outcome());
}

Result<std::vector<std::string>> images_of_set(rpc::Channel& frontend, const std::string& set) {
  std::vector<std::string> ids;
  SEALIFT_CHECK(for_each_head(frontend, set, [&](const v1::SealedHead& head) -> Status {
    ids.push_back(head.image_id());
    return {};
  }));
  return ids;
}

Result<std::uint32_t> take_out_hosts(rpc::Channel& frontend,
                                     const std::vector<std::string>& storage_key_names) {
  constexpr std::size_t kAtOnce = 1000;
  std::uint32_t heads = 0;
  for (std::span<const std::string> rest{storage_key_names}; !rest.empty();) {
    const auto some = rest.first(std::min(kAtOnce, rest.size()));
    rest = rest.subspan(some.size());
    v1::RemoveSealedHostsRequest request;
    for (const auto& name : some) request.add_storage_key_names(name);
    for (bool more = true; more;) {
      SEALIFT_TRY(const auto removed,
                  call<v1::RemoveSealedHostsResponse>(frontend, image_method("RemoveSealedHosts"), request));
      heads += removed.heads();
      more = removed.has_next();
      *request.mutable_after() = removed.next();
    }
  }
  return heads;
}

Result<std::uint32_t> take_out_image(rpc::Channel& frontend, const std::string& image_id) {
  std::vector<std::string> sets;
  SEALIFT_CHECK(for_each_head(frontend, "", [&](const v1::SealedHead& head) -> Status {
    if (head.image_id() == image_id) sets.push_back(head.set());
    return {};
  }));
  for (const auto& set : sets) SEALIFT_CHECK(remove_head(frontend, image_id, set));
  return static_cast<std::uint32_t>(sets.size());
}

Result<std::uint32_t> take_out_set(rpc::Channel& frontend, const std::string& set) {
  SEALIFT_TRY(const auto images, images_of_set(frontend, set));
  for (const auto& image_id : images) SEALIFT_CHECK(remove_head(frontend, image_id, set));
  return static_cast<std::uint32_t>(images.size());
}

}  // namespace sealift::cli
