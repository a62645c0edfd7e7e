// SPDX-License-Identifier: Apache-2.0
#include "objects/object_store.h"

#include "base/clock.h"
#include "objects/directory_store.h"
#include "objects/s3_store.h"

namespace sealift::objects {

Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url) {
  static const SystemClock clock;
  constexpr std::string_view kDirectory = "dir:";
  if (url.starts_with("s3+")) {
    SEALIFT_TRY(auto config, parse_s3_url(url));
    return std::unique_ptr<ObjectStore>{new S3Store{std::move(config), clock}};
  }
  const auto path = url.starts_with(kDirectory) ? url.substr(kDirectory.size()) : std::string_view{};
  if (path.starts_with('/')) return DirectoryStore::open(path);
  return fail(ErrorCode::invalid_argument, "an object store is dir:/path or s3+https://host/bucket?…",
              "scheme");
}

}  // namespace sealift::objects
