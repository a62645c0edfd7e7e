// SPDX-License-Identifier: Apache-2.0
/// Policies that were read lately. Reading one parses its certificates, which costs more than sealing; and
/// most images of a tenant have the same few.
#pragma once

#include "services/securitymodule/domain/image_policy.h"
#include "services/securitymodule/domain/recent.h"

namespace sealift::securitymodule {

/// Thread-safe. A policy is found by the digest of its document alone: the same bytes are the same policy.
class PolicyCache {
 public:
  /// `limit`: bytes of the documents that are kept.
  explicit PolicyCache(std::size_t limit = kLimit) : policies_{limit} {}

  /// As ImagePolicy::read().
  Result<std::shared_ptr<const ImagePolicy>> read(ByteView document);
  std::size_t size() const { return policies_.size(); }

 private:
  static constexpr std::size_t kLimit = 16UL * 1024 * 1024;
  Recent<ImagePolicy> policies_;
};

}  // namespace sealift::securitymodule
