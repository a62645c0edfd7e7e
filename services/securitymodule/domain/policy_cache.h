// SPDX-License-Identifier: Apache-2.0
/// Policies that were read lately. Reading one parses its certificates, which costs more than sealing; and
/// most images of a tenant have the same few.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "services/securitymodule/domain/image_policy.h"

namespace sealift::securitymodule {

/// Thread-safe. A policy is found by the digest of its document alone: the same bytes are the same policy.
class PolicyCache {
 public:
  /// `limit`: bytes of the documents that are kept.
  explicit PolicyCache(std::size_t limit = kLimit) : limit_{limit} {}

  /// As ImagePolicy::read().
  Result<std::shared_ptr<const ImagePolicy>> read(ByteView document);
  std::size_t size() const;

 private:
  static constexpr std::size_t kLimit = 16UL * 1024 * 1024;
  using Key = std::array<std::uint8_t, 32>;
  struct Entry {
    Key key;
    std::shared_ptr<const ImagePolicy> policy;
  };
  using Entries = std::list<Entry>;  // the latest first

  std::shared_ptr<const ImagePolicy> find(const Key& key);
  void keep(const Key& key, std::shared_ptr<const ImagePolicy> policy);

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::size_t kept_ = 0;
  Entries entries_;
  std::map<Key, Entries::iterator> places_;
};

}  // namespace sealift::securitymodule
