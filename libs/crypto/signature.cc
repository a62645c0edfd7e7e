// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include <cassert>

#include "crypto/openssl.h"

namespace sealift::crypto {
namespace {

using MdContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

void set_pss(EVP_PKEY_CTX* context) {
  must(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), "PSS padding");
  must(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), "PSS salt");
}

tl::unexpected<Error> not_rsa() { return fail(ErrorCode::key_unsupported, "RSA-PSS needs an RSA key"); }

BIGNUM* number(ByteView bytes) {
  return must(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), "BN");
}

Bytes padded(const BIGNUM* number, std::size_t size) {
  Bytes out(size);
  must(BN_bn2binpad(number, out.data(), static_cast<int>(size)) >= 0 ? 1 : 0, "BN_bn2binpad");
  return out;
}

}  // namespace

Bytes ecdsa_der(const EcdsaNumbers& numbers) {
  const EcdsaSignature signature{must(ECDSA_SIG_new(), "ECDSA_SIG")};
  must(ECDSA_SIG_set0(signature.get(), number(numbers.r), number(numbers.s)), "ECDSA_SIG");
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  must(size, "i2d_ECDSA_SIG");
  Bytes out{der, der + size};
  OPENSSL_free(der);
  return out;
}

Status verify_pss(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature) {
  if (key.type() != KeyType::rsa) return not_rsa();
  const MdContext context{must(EVP_MD_CTX_new(), "EVP_MD_CTX_new")};
  EVP_PKEY_CTX* options = nullptr;  // the MD context's own
  must(EVP_DigestVerifyInit(context.get(), &options, fetched(hash), nullptr, key.get()), "PSS");
  set_pss(options);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) !=
      1) {
    return fail(ErrorCode::signature_invalid, "the RSA-PSS signature does not match", {}, openssl_errors());
  }
  return {};
}

Result<Bytes> sign_pss(const PrivateKey& key, HashAlgorithm hash, ByteView message) {
  if (key.type() != KeyType::rsa) return not_rsa();
  const MdContext context{must(EVP_MD_CTX_new(), "EVP_MD_CTX_new")};
  EVP_PKEY_CTX* options = nullptr;
  must(EVP_DigestSignInit(context.get(), &options, fetched(hash), nullptr, key.get()), "PSS");
  set_pss(options);
  std::size_t size = 0;
  must(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()), "PSS");
  Bytes signature(size);
  must(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()), "PSS");
  return signature;
}

Status verify_ecdsa(const PublicKey& key, HashAlgorithm hash, ByteView message, const EcdsaNumbers& numbers) {
  if (key.type() != KeyType::ec) return fail(ErrorCode::key_unsupported, "ECDSA needs an elliptic-curve key");
  return key.verify(hash, message, ecdsa_der(numbers));
}

Result<EcdsaNumbers> sign_ecdsa(const PrivateKey& key, HashAlgorithm hash, ByteView message) {
  if (key.type() != KeyType::ec) return fail(ErrorCode::key_unsupported, "ECDSA needs an elliptic-curve key");
  SEALIFT_TRY(const auto der, key.sign(hash, message));
  const auto* data = der.data();
  const EcdsaSignature signature{
      must(d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size())), "d2i_ECDSA_SIG")};
  const auto size = static_cast<std::size_t>(key.bits() + 7) / 8;
  return EcdsaNumbers{padded(ECDSA_SIG_get0_r(signature.get()), size),
                      padded(ECDSA_SIG_get0_s(signature.get()), size)};
}

}  // namespace sealift::crypto
