// SPDX-License-Identifier: Apache-2.0
#include "objects/store_checks.h"

#include <fmt/core.h>

#include "objects/object_store.h"

namespace sealift::objects {

Status check_small(const ObjectKey& key, ByteView bytes) {
  if (bytes.size() > kMaxSmallObject)
    return fail(ErrorCode::too_large, fmt::format("a small object has at most {} bytes", kMaxSmallObject),
                "bytes");
  const auto named = key.digest();
  if (!named) return {};
  const auto found = crypto::digest(crypto::HashAlgorithm::sha512, bytes);
  if (found == *named) return {};
  return differs(ErrorCode::object_differs, "the bytes have not the digest that the key names", "sha512",
                 to_hex(named->view()), to_hex(found.view()));
}

Status check_read(std::uint64_t offset, std::size_t size) {
  if (size < 1 || size > kMaxSmallObject)
    return fail(ErrorCode::invalid_argument,
                fmt::format("1 to {} bytes can be read at once", kMaxSmallObject), "size");
  if (offset > kMaxObjectSize) return fail(ErrorCode::truncated, "no object is that large", "offset");
  return {};
}

Status check_lifetime(std::chrono::seconds lifetime) {
  if (lifetime >= std::chrono::seconds{1} && lifetime <= kMaxLifetime) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a location is good for 1 to {} seconds", kMaxLifetime.count()), "lifetime");
}

tl::unexpected<Error> fail_no_object(const ObjectKey& key) {
  return fail(ErrorCode::not_found, fmt::format("the store has no object {}", key.text()), "key");
}

tl::unexpected<Error> fail_no_upload() {
  return fail(ErrorCode::not_found, "the store has no such upload any more: begin it again", "upload");
}

}  // namespace sealift::objects
