// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/pkcs11_protector.h"

#include <fmt/core.h>

#include "crypto/random.h"

namespace sealift::securitymodule {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kIvSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kHeadSize = 1 + kIvSize;

/// CKM_AES_GCM with what it points to.
class Gcm {
 public:
  Gcm(ByteView iv, ByteView associated_data)
      : iv_{to_bytes(iv)}, associated_data_{to_bytes(associated_data)} {
    parameters_.pIv = iv_.data();
    parameters_.ulIvLen = iv_.size();
    parameters_.ulIvBits = iv_.size() * 8;
    parameters_.pAAD = associated_data_.data();
    parameters_.ulAADLen = associated_data_.size();
    parameters_.ulTagBits = kTagSize * 8;
  }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  CK_MECHANISM* mechanism() { return &mechanism_; }
  /// After an encryption: some tokens insist on an IV of their own.
  ByteView iv() const { return iv_; }

 private:
  Bytes iv_;
  Bytes associated_data_;
  CK_GCM_PARAMS parameters_{};
  CK_MECHANISM mechanism_{CKM_AES_GCM, &parameters_, sizeof parameters_};
};

}  // namespace

Result<Pkcs11Protector> Pkcs11Protector::open(const std::string& uri, MissingKey missing) {
  SEALIFT_TRY(auto token, Pkcs11Token::open(uri, missing));
  return Pkcs11Protector{std::move(token)};
}

Result<Bytes> Pkcs11Protector::wrap(ByteView secret, ByteView associated_data) const {
  auto plain = SecretBytes::copy_of(secret);
  Gcm gcm{crypto::random_array<kIvSize>(), associated_data};
  Bytes sealed(secret.size() + kTagSize);
  CK_ULONG size = sealed.size();
  SEALIFT_TRY(const auto code, token_->run([&](const auto& module, auto session, auto key) {
    const auto begun = module.C_EncryptInit(session, gcm.mechanism(), key);
    if (begun != CKR_OK) return begun;
    size = sealed.size();
    const auto bytes = plain.expose_for_writing();
    return module.C_Encrypt(session, bytes.data(), bytes.size(), sealed.data(), &size);
  }));
  if (code != CKR_OK) return fail_pkcs11("C_Encrypt", code);
  if (size != sealed.size())
    return fail(ErrorCode::internal, "the token encrypts to another size", "protector");
  ByteWriter out;
  out.u8(kVersion).bytes(gcm.iv()).bytes(sealed);
  return std::move(out).take();
}

Result<SecretBytes> Pkcs11Protector::unwrap(ByteView wrapped, ByteView associated_data) const {
  if (wrapped.size() < kHeadSize + kTagSize || wrapped[0] != kVersion)
    return fail(ErrorCode::malformed, "the wrapped key is none of a token's", "protector");
  Gcm gcm{wrapped.subspan(1, kIvSize), associated_data};
  auto sealed = to_bytes(wrapped.subspan(kHeadSize));
  // A token may want room for the tag while it decrypts.
  SecretBytes plain{sealed.size()};
  CK_ULONG size = plain.size();
  SEALIFT_TRY(const auto code, token_->run([&](const auto& module, auto session, auto key) {
    const auto begun = module.C_DecryptInit(session, gcm.mechanism(), key);
    if (begun != CKR_OK) return begun;
    size = plain.size();
    return module.C_Decrypt(session, sealed.data(), sealed.size(), plain.expose_for_writing().data(), &size);
  }));
  if (code == CKR_OK && size == sealed.size() - kTagSize) {
    plain.shrink(size);
    return plain;
  }
  if (code == CKR_OK || code == CKR_ENCRYPTED_DATA_INVALID || code == CKR_ENCRYPTED_DATA_LEN_RANGE ||
      code == CKR_GENERAL_ERROR || code == CKR_FUNCTION_FAILED)
    return fail(ErrorCode::authentication_failed,
                fmt::format("the wrapped key was altered, or {} is not the key that wrapped it", key_id()),
                "protector", fmt::format("{:#x}", static_cast<unsigned long>(code)));
  return fail_pkcs11("C_Decrypt", code);
}

}  // namespace sealift::securitymodule
