// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/policy_cache.h"

#include <algorithm>

namespace sealift::securitymodule {

Result<std::shared_ptr<const ImagePolicy>> PolicyCache::read(ByteView document) {
  Key key{};
  std::ranges::copy(crypto::digest(crypto::HashAlgorithm::sha256, document).view(), key.begin());
  if (auto known = find(key)) return known;
  SEALIFT_TRY(auto policy, ImagePolicy::read(document));
  auto made = std::make_shared<const ImagePolicy>(std::move(policy));
  keep(key, made);
  return made;
}

std::size_t PolicyCache::size() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

std::shared_ptr<const ImagePolicy> PolicyCache::find(const Key& key) {
  const std::lock_guard lock{mutex_};
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->policy;
}

void PolicyCache::keep(const Key& key, std::shared_ptr<const ImagePolicy> policy) {
  const std::lock_guard lock{mutex_};
  if (places_.contains(key)) return;
  kept_ += policy->document().size();
  entries_.push_front({key, std::move(policy)});
  places_[key] = entries_.begin();
  while (kept_ > limit_ && !entries_.empty()) {
    kept_ -= entries_.back().policy->document().size();
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace sealift::securitymodule
