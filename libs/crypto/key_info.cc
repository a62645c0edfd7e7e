// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_info.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "crypto/x509_openssl.h"

namespace sealift::crypto {
namespace {

using Bignum = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;

Asn1IntegerPtr integer(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &raw), name);
  const Bignum value{raw};
  return Asn1IntegerPtr{must(BN_to_ASN1_INTEGER(value.get(), nullptr), name)};
}

/// RFC 8017, A.1.1: SEQUENCE { modulus, publicExponent }.
Bytes rsa_key(const EVP_PKEY* key) {
  auto numbers = der_of(integer(key, OSSL_PKEY_PARAM_RSA_N).get(), i2d_ASN1_INTEGER);
  const auto exponent = der_of(integer(key, OSSL_PKEY_PARAM_RSA_E).get(), i2d_ASN1_INTEGER);
  numbers.insert(numbers.end(), exponent.begin(), exponent.end());
  const auto size = static_cast<int>(numbers.size());
  Bytes sequence(static_cast<std::size_t>(ASN1_object_size(1, size, V_ASN1_SEQUENCE)) - numbers.size());
  auto* cursor = sequence.data();
  ASN1_put_object(&cursor, 1, size, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
  sequence.insert(sequence.end(), numbers.begin(), numbers.end());
  return sequence;
}

/// SEC 1, 2.3.3: the point, in the form that the key came in.
Bytes ec_point(const EVP_PKEY* key) {
  std::size_t size = 0;
  must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0, &size), "EC point");
  Bytes point(size);
  must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), size, &size), "EC point");
  return point;
}

/// RFC 5480: the curve by its name; nothing where it has none.
ASN1_OBJECT* curve_of(const EVP_PKEY* key) {
  char name[64] = {};
  const bool named =
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, nullptr) == 1;
  openssl_errors();
  const int curve = named ? OBJ_sn2nid(name) : NID_undef;
  return curve == NID_undef ? nullptr : OBJ_nid2obj(curve);
}

Bytes assemble(int algorithm, int parameter_type, ASN1_OBJECT* parameter, const Bytes& key) {
  const PublicKeyInfoPtr info{must(X509_PUBKEY_new(), "SubjectPublicKeyInfo")};
  auto* const copy = must(static_cast<unsigned char*>(OPENSSL_memdup(key.data(), key.size())), "key");
  must(X509_PUBKEY_set0_param(info.get(), OBJ_nid2obj(algorithm), parameter_type, parameter, copy,
                              static_cast<int>(key.size())),
       "SubjectPublicKeyInfo");
  return der_of(info.get(), i2d_X509_PUBKEY);
}

}  // namespace

Bytes key_info(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return assemble(NID_rsaEncryption, V_ASN1_NULL, nullptr, rsa_key(key));
  if (EVP_PKEY_is_a(key, "EC") != 1) return {};
  auto* const curve = curve_of(key);
  if (curve == nullptr) return {};
  return assemble(NID_X9_62_id_ecPublicKey, V_ASN1_OBJECT, curve, ec_point(key));
}

}  // namespace sealift::crypto
