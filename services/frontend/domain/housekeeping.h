// SPDX-License-Identifier: Apache-2.0
/// What nobody asks for: stale uploads, deletions that were interrupted, objects without a user, old quotes.
/// Every replica may do it at the same time.
#pragma once

#include "services/frontend/domain/images.h"
#include "store/quotes.h"

namespace sealift::frontend {

class Housekeeping {
 public:
  Housekeeping(Images& images, ImageStores stores, store::QuoteStore& quotes, const Clock& clock,
               const Limits& limits)
      : images_{images}, stores_{stores}, quotes_{quotes}, clock_{clock}, limits_{limits} {}

  /// One round, bounded. Goes on after what fails; the first failure is returned.
  Status run();

 private:
  Status drop_abandoned_images(std::int64_t before);
  Status drop_orphaned_uploads(std::int64_t before);
  Status postpone(store::UploadRecord upload);

  Images& images_;
  ImageStores stores_;
  store::QuoteStore& quotes_;
  const Clock& clock_;
  const Limits& limits_;
};

}  // namespace sealift::frontend
