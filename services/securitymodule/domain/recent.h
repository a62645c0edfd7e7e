// SPDX-License-Identifier: Apache-2.0
/// What was worked out lately, to be found again by the digest of all it depends on.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "crypto/digest.h"

namespace sealift::securitymodule {

/// Thread-safe. What was not used for longest goes first.
template <typename Value>
class Recent {
 public:
  /// `limit`: of the sum of the weights.
  explicit Recent(std::size_t limit) : limit_{limit} {}

  /// Null where it is not there.
  std::shared_ptr<const Value> find(const crypto::Digest& key) {
    const std::lock_guard lock{mutex_};
    const auto place = places_.find(text(key));
    if (place == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, place->second);
    return place->second->value;
  }
  /// In the place of what has that key.
  void keep(const crypto::Digest& key, std::shared_ptr<const Value> value, std::size_t weight = 1) {
    const std::lock_guard lock{mutex_};
    const auto place = places_.find(text(key));
    if (place != places_.end()) drop(place->second);
    entries_.push_front({text(key), std::move(value), weight});
    places_[entries_.front().key] = entries_.begin();
    kept_ += weight;
    while (kept_ > limit_ && !entries_.empty()) drop(std::prev(entries_.end()));
  }
  std::size_t size() const {
    const std::lock_guard lock{mutex_};
    return entries_.size();
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    std::size_t weight;
  };
  using Entries = std::list<Entry>;  // the latest first

  static std::string text(const crypto::Digest& key) { return std::string{as_text(key.view())}; }
  void drop(typename Entries::iterator entry) {
    kept_ -= entry->weight;
    places_.erase(entry->key);
    entries_.erase(entry);
  }

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::size_t kept_ = 0;
  Entries entries_;
  std::map<std::string, typename Entries::iterator> places_;
};

}  // namespace sealift::securitymodule
