// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/sealing_ahead.h"

#include <algorithm>
#include <map>

#include "services/securitymodule/domain/limits.h"

namespace sealift::securitymodule {
namespace {

void put(v1::Refusal& refusal, const Error& error) {
  refusal.set_code(std::string{name(error.code)});
  refusal.set_field(error.field);
  refusal.set_message(error.message);
  refusal.set_remedy(std::string{remedy(error.code)});
  refusal.set_expected(error.expected);
  refusal.set_found(error.found);
}

/// Of ours, and not of the image or host: an image or host that is not there, and the number of hosts that a
/// policy allows, are answers.
bool is_trouble(const Error& error) {
  return kind(error.code) == ErrorKind::environment && error.code != ErrorCode::not_found &&
         error.code != ErrorCode::resource_exhausted;
}

}  // namespace

/// A host of the set, looked up once for all images.
struct SealingAhead::Host {
  Bytes name;
  Result<Enrolments::EnrolledKey> enrolled;
};

/// One call.
class SealingAhead::Batch {
 public:
  Batch(SealingAhead& in, const Asker& asker, const v1::HostSet& set) : in_{in}, asker_{asker} {
    for (const auto& one : set.hosts()) {
      auto name = to_bytes(as_bytes(one));
      auto enrolled = in.enrolments_.key_of(asker.tenant, name);
      hosts_.push_back({std::move(name), std::move(enrolled)});
    }
  }

  /// Fails where we are in trouble ourselves: nothing is said of the image or a host then.
  Status seal_image(const std::string& image_id, v1::SealedImage& into) {
    into.set_image_id(image_id);
    const auto sealed = seal_to_all(image_id, into);
    if (sealed || is_trouble(sealed.error())) return sealed;
    put(*into.mutable_refusal(), sealed.error());
    decided_.push_back({decision(image_id), sealed.error()});
    places_.push_back(nullptr);
    return {};
  }

  Status record(DecisionLog& log) {
    SEALIFT_TRY(const auto receipts, log.record_all(decided_));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i] != nullptr) places_[i]->set_receipt(std::string{as_text(receipts[i])});
    }
    return {};
  }

 private:
  using Keys = std::vector<Result<tee::VerifiedStorageKey>>;

  Decision decision(const std::string& image_id) const { return {"seal_ahead", asker_, image_id, {}, {}}; }

  Status seal_to_all(const std::string& image_id, v1::SealedImage& into) {
    const auto id = esm::ImageId::from_hex(image_id);
    if (!id) return fail(ErrorCode::invalid_argument, "an image's id has 32 hexadecimal digits", "image_ids");
    const ImageKey image{asker_.tenant, *id};
    SEALIFT_TRY(const auto seed, in_.seeds_.open(image));
    SEALIFT_CHECK(seed.policy->allow_ahead());
    into.set_policy(std::string{as_text(seed.policy->digest().view())});
    const auto& keys = keys_under(*seed.policy);
    into.mutable_hosts()->Reserve(static_cast<int>(hosts_.size()));
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      auto& sealed = *into.add_hosts();
      sealed.set_storage_key_name(std::string{as_text(hosts_[i].name)});
      auto one = decision(id->hex());
      one.storage_key_name = to_hex(hosts_[i].name);
      const auto outcome = seal_to(image, seed, hosts_[i], keys[i], one);
      if (outcome) {
        *sealed.mutable_sealed_data() = *outcome;
        decided_.push_back({std::move(one)});
      } else {
        if (is_trouble(outcome.error())) return tl::unexpected(outcome.error());
        put(*sealed.mutable_refusal(), outcome.error());
        decided_.push_back({std::move(one), outcome.error()});
      }
      places_.push_back(&sealed);
    }
    return {};
  }

  /// The hosts' keys and platforms under one policy: most images of a batch have the same.
  const Keys& keys_under(const ImagePolicy& policy) {
    const auto [place, added] = keys_.try_emplace(std::string{as_text(policy.digest().view())});
    if (!added) return place->second;
    for (const auto& host : hosts_) place->second.push_back(key_under(policy, host));
    return place->second;
  }
  Result<tee::VerifiedStorageKey> key_under(const ImagePolicy& policy, const Host& host) {
    if (!host.enrolled) return tl::unexpected(host.enrolled.error());
    SEALIFT_TRY(auto key, policy.verify_key(host.enrolled->key));
    SEALIFT_CHECK(in_.verdicts_.check(asker_.tenant, key.name(), host.enrolled->hardware_key_hash, policy));
    return key;
  }

  Result<v1::SealedData> seal_to(const ImageKey& image, const OpenedSeed& seed, const Host& host,
                                 const Result<tee::VerifiedStorageKey>& key, Decision& decision) {
    if (!key) return tl::unexpected(key.error());
    const auto& hardware_key = host.enrolled->hardware_key_hash;
    SEALIFT_CHECK(in_.revocations_.check(image, hardware_key, key->name()));
    decision.outcome = "returned";
    SEALIFT_TRY(auto sealed, in_.authorizations_.find(image, seed, *key));
    if (!sealed) {
      SEALIFT_TRY(auto made, in_.authorizations_.make(image, seed, *key));
      if (made.made) decision.outcome = "made";
      sealed = std::move(made.sealed_data);
    }
    SEALIFT_CHECK(in_.revocations_.check(image, hardware_key, key->name()));
    return *std::move(sealed);
  }

  SealingAhead& in_;
  const Asker& asker_;
  std::vector<Host> hosts_;
  std::map<std::string, Keys> keys_;
  std::vector<Decided> decided_;
  std::vector<v1::SealedToHost*> places_;  ///< of the receipts
};

Result<v1::SealToSetResponse> SealingAhead::seal(
    const Asker& asker, const v1::HostSet& set,
    const google::protobuf::RepeatedPtrField<std::string>& image_ids) {
  if (image_ids.empty() || image_ids.size() * std::max(set.hosts_size(), 1) > kMaxSealedAtOnce)
    return fail(ErrorCode::invalid_argument, "one call seals 1 image or more, and 1000 times at most",
                "image_ids");
  Batch batch{*this, asker, set};
  v1::SealToSetResponse response;
  response.mutable_images()->Reserve(image_ids.size());
  for (const auto& image_id : image_ids) SEALIFT_CHECK(batch.seal_image(image_id, *response.add_images()));
  SEALIFT_CHECK(batch.record(log_));
  return response;
}

}  // namespace sealift::securitymodule
