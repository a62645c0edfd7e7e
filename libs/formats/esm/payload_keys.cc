// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/payload_keys.h"

#include "crypto/kdf.h"

namespace sealift::esm {
namespace {

constexpr auto kHash = crypto::HashAlgorithm::sha512;

SecretBytes derive(const Seed& seed, const ImageId& image_id, std::string_view info, std::size_t size) {
  return crypto::hkdf(kHash, seed.expose(), image_id.view(), as_bytes(info), size);
}

}  // namespace

crypto::Digest payload_hmac(const Operand& operand, const Seed& seed) {
  const auto key = derive(seed, operand.image_id(), "sealift esm v1 hmac", 64);
  return crypto::hmac(kHash, key.expose(), {operand.hmac_input()});
}

SecretBytes encryption_key(const Seed& seed, const ImageId& image_id) {
  return derive(seed, image_id, "sealift esm v1 encryption", 32);
}

Bytes associated_data(const ImageId& image_id, std::string_view entry_name) {
  return ByteWriter{}.text(kCompatible).bytes(image_id.view()).text(entry_name).view();
}

}  // namespace sealift::esm
