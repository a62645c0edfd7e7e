// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/image_id.h"

#include <algorithm>

#include "crypto/random.h"

namespace sealift::esm {

ImageId ImageId::random() { return ImageId{crypto::random_array<kSize>()}; }

Result<ImageId> ImageId::from_bytes(ByteView bytes) {
  std::array<std::uint8_t, kSize> id{};
  if (bytes.size() != id.size()) return fail(ErrorCode::malformed, "an Image-ID has 16 bytes", "image-id");
  std::ranges::copy(bytes, id.begin());
  return ImageId{id};
}

Result<ImageId> ImageId::from_hex(std::string_view text) {
  SEALIFT_TRY(const auto bytes, sealift::from_hex(text));
  return from_bytes(bytes);
}

}  // namespace sealift::esm
