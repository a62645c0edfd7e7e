// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/policy_cache.h"

namespace sealift::securitymodule {

Result<std::shared_ptr<const ImagePolicy>> PolicyCache::read(ByteView document) {
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha256, document);
  if (auto known = policies_.find(digest)) return known;
  SEALIFT_TRY(auto policy, ImagePolicy::read(document));
  auto made = std::make_shared<const ImagePolicy>(std::move(policy));
  policies_.keep(digest, made, made->document().size());
  return made;
}

}  // namespace sealift::securitymodule
