// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <openssl/evp.h>

#include <climits>

namespace sealift::crypto {

std::string to_base64(ByteView bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<Bytes> from_base64(std::string_view text) {
  const auto bad = [] { return fail(ErrorCode::malformed, "not canonical base64"); };
  if (text.size() % 4 != 0 || text.size() > INT_MAX) return bad();
  Bytes bytes(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(bytes.data(), as_bytes(text).data(), static_cast<int>(text.size()));
  if (size < 0) return bad();
  const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with("=") ? 1 : 0);
  if (padding > bytes.size()) return bad();
  bytes.resize(bytes.size() - padding);
  // EVP_DecodeBlock trims white space and ignores stray bits; only what we would write ourselves is accepted.
  if (to_base64(bytes) != text) return bad();
  return bytes;
}

}  // namespace sealift::crypto
