// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include "crypto/openssl.h"

namespace sealift::crypto {

void fill_random(std::span<std::uint8_t> out) {
  must(RAND_bytes_ex(nullptr, out.data(), out.size(), 256), "RAND_bytes");
}

}  // namespace sealift::crypto
