// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/object_locations.h"

#include "crypto/digest.h"

namespace sealift::orchestrator {
namespace {

Result<v1::ObjectLocation> location_of(objects::ObjectStore& store, const objects::ObjectKey& key,
                                       ByteView sha512, std::uint64_t size, milliseconds lifetime) {
  SEALIFT_TRY(const auto found,
              store.location(key, std::chrono::duration_cast<std::chrono::seconds>(lifetime)));
  v1::ObjectLocation location;
  location.set_url(found.url);
  location.set_sha512(sha512.data(), sha512.size());
  location.set_size(size);
  return location;
}

}  // namespace

Result<v1::ObjectLocation> ObjectLocations::put_head(const std::string& launch_id, ByteView head) {
  SEALIFT_TRY(const auto key, objects::ObjectKey::head(launch_id));
  SEALIFT_CHECK(store_.put(key, head));
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, head);
  return location_of(store_, key, digest.view(), head.size(), limits_.object_lifetime);
}

void ObjectLocations::remove_head(const std::string& launch_id) {
  const auto key = objects::ObjectKey::head(launch_id);
  if (key)
    (void)store_.remove(*key);  // what stays is harmless: sealed to a host that may not run it any more
}

Result<Bytes> ObjectLocations::read_head(const std::string& name, std::size_t size) {
  SEALIFT_TRY(const auto key, objects::ObjectKey::head(name));
  return store_.read(key, 0, size);
}

Result<v1::ObjectLocation> ObjectLocations::locate(const v1::ObjectReference& object) {
  const auto digest = as_bytes(object.sha512());
  const auto key = objects::ObjectKey::content(crypto::Digest{digest});
  return location_of(store_, key, digest, object.size(), limits_.object_lifetime);
}

}  // namespace sealift::orchestrator
