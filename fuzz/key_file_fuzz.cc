// SPDX-License-Identifier: Apache-2.0
// Key files that others send: public keys in PEM or DER, and lockbox recipients. Our own quick reader of
// plain RSA keys must never see another key than OpenSSL does.
#include <cstdlib>

#include "crypto/key.h"
#include "formats/ibm_esm/rsa_pem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sealift;
  const ByteView input{data, size};
  const auto key = crypto::PublicKey::parse(input);
  if (key && crypto::PublicKey::parse(key->der()).value() != *key) std::abort();
  static_cast<void>(crypto::PrivateKey::parse(input, as_bytes("passphrase")));
  const auto plain = ibm_esm::plain_rsa_pem(input);
  if (!plain || !key) return 0;
  const auto same = crypto::PublicKey::from_rsa(*plain);
  if (same && *same != *key) std::abort();
  return 0;
}
