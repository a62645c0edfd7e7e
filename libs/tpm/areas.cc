// SPDX-License-Identifier: Apache-2.0
#include "tpm/areas.h"

#include <algorithm>

namespace sealift::tpm {

TPM2B_DIGEST to_tpm(const Digest& digest) {
  TPM2B_DIGEST out{};
  out.size = static_cast<std::uint16_t>(digest.size());
  std::ranges::copy(digest.view(), out.buffer);
  return out;
}

TPMT_PUBLIC restricted_decryption_key(const DecryptionKeyShape& shape, const Digest& policy) {
  TPMT_SYM_DEF_OBJECT symmetric{};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = shape.cipher_bits;
  symmetric.mode.aes = TPM2_ALG_CFB;
  TPMT_PUBLIC area{};
  area.nameAlg = algorithm_id(shape.hash);
  area.objectAttributes = shape.attributes;
  area.authPolicy = to_tpm(policy);
  if (shape.kind == KeyKind::rsa2048) {
    area.type = TPM2_ALG_RSA;
    auto& rsa = area.parameters.rsaDetail;
    rsa.symmetric = symmetric;
    rsa.scheme.scheme = TPM2_ALG_NULL;
    rsa.keyBits = 2048;
    rsa.exponent = 0;  // 65537
  } else {
    area.type = TPM2_ALG_ECC;
    auto& ecc = area.parameters.eccDetail;
    ecc.symmetric = symmetric;
    ecc.scheme.scheme = TPM2_ALG_NULL;
    ecc.curveID = shape.kind == KeyKind::p256 ? TPM2_ECC_NIST_P256 : TPM2_ECC_NIST_P384;
    ecc.kdf.scheme = TPM2_ALG_NULL;
  }
  return area;
}

}  // namespace sealift::tpm
