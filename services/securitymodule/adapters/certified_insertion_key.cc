// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/certified_insertion_key.h"

#include <array>

#include "base/file.h"
#include "services/securitymodule/adapters/key_file.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kSharedSize = 32;
constexpr std::size_t kKeyFileLimit = 4096;

/// 04 ‖ x ‖ y.
Result<Bytes> point_of(const crypto::PublicKey& key) {
  SEALIFT_TRY(const auto point, key.ec());
  ByteWriter out;
  out.u8(4).bytes(point.x).bytes(point.y);
  return std::move(out).take();
}

/// A secret of this session alone, which the token lets us read.
CK_RV derive(const CK_FUNCTION_LIST& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, Bytes& point,
             std::span<std::uint8_t> secret) {
  CK_ECDH1_DERIVE_PARAMS parameters{CKD_NULL, 0, nullptr, point.size(), point.data()};
  CK_MECHANISM mechanism{CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
  CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_GENERIC_SECRET;
  CK_ULONG size = secret.size();
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::array<CK_ATTRIBUTE, 6> wanted{{{CKA_CLASS, &kind, sizeof kind},
                                      {CKA_KEY_TYPE, &type, sizeof type},
                                      {CKA_TOKEN, &no, sizeof no},
                                      {CKA_SENSITIVE, &no, sizeof no},
                                      {CKA_EXTRACTABLE, &yes, sizeof yes},
                                      {CKA_VALUE_LEN, &size, sizeof size}}};
  CK_OBJECT_HANDLE derived = CK_INVALID_HANDLE;
  auto code = module.C_DeriveKey(session, &mechanism, key, wanted.data(), wanted.size(), &derived);
  if (code != CKR_OK) return code;
  CK_ATTRIBUTE value{CKA_VALUE, secret.data(), secret.size()};
  code = module.C_GetAttributeValue(session, derived, &value, 1);
  static_cast<void>(module.C_DestroyObject(session, derived));
  return code == CKR_OK && value.ulValueLen != secret.size() ? CKR_GENERAL_ERROR : code;
}

Status make_key_file(const std::filesystem::path& path) {
  SEALIFT_TRY(const auto key, crypto::PrivateKey::generate_ec(crypto::Curve::p256));
  const auto pem = key.pem();
  return write_file(path, pem.expose(), 0600);
}

}  // namespace

Result<InsertionKey::Offer> CertifiedInsertionKey::offer() const { return Offer{key_.der(), {}}; }

Result<tee::InsertionProof> CertifiedInsertionKey::prove(const tee::InsertionTerms& /*terms*/) const {
  return tee::InsertionProof{certificates_, {}};
}

Result<InsertionKey::Secrets> CertifiedInsertionKey::secrets_of(ByteView /*kept*/,
                                                                const tee::SealedInsertion& sealed) const {
  SEALIFT_TRY(const auto ephemeral, tee::ephemeral_key_of(sealed));
  SEALIFT_TRY(auto shared, agree(ephemeral));
  return Secrets{std::move(shared), {}};
}

Status CertifiedInsertionKey::take_certificates(const std::filesystem::path& file) {
  SEALIFT_TRY(const auto bytes, read_file(file, crypto::kCertificateFileLimit));
  SEALIFT_TRY(const auto certificates, crypto::parse_certificates(bytes));
  SEALIFT_TRY(const auto certified, certificates.front().public_key());
  if (!(certified == key_))
    return fail(ErrorCode::failed_precondition,
                file.string() + " is not about the insertion key: its own certificate comes first",
                "insertion-certificates");
  certificates_.clear();
  for (const auto& certificate : certificates) certificates_.push_back(certificate.der());
  return {};
}

Result<std::unique_ptr<CertifiedInsertionKey>> Pkcs11InsertionKey::open(const std::string& uri,
                                                                        MissingKey missing) {
  SEALIFT_TRY(auto token, Pkcs11Token::open(uri, missing, TokenKey::agreement));
  SEALIFT_TRY(auto key, token->public_key());
  return std::unique_ptr<CertifiedInsertionKey>{new Pkcs11InsertionKey{std::move(token), std::move(key)}};
}

Result<SecretBytes> Pkcs11InsertionKey::agree(const crypto::PublicKey& with) const {
  SEALIFT_TRY(auto point, point_of(with));
  SecretBytes shared{kSharedSize};
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(const auto code, token_->run([&](const auto& module, auto session, auto key) {
    return derive(module, session, key, point, shared.expose_for_writing());
  }));
  if (code != CKR_OK) return fail_pkcs11("C_DeriveKey", code);
  return shared;
}

Result<std::unique_ptr<CertifiedInsertionKey>> FileInsertionKey::open(const std::filesystem::path& path,
                                                                      MissingKey missing) {
  if (path.empty()) return fail(ErrorCode::invalid_argument, "the key names no file", "protector");
  if (missing == MissingKey::make && !std::filesystem::exists(path)) SEALIFT_CHECK(make_key_file(path));
  SEALIFT_TRY(const auto pem, read_owners_file(path, kKeyFileLimit, "protector"));
  SEALIFT_TRY(auto key, crypto::PrivateKey::parse(pem.expose()));
  return std::unique_ptr<CertifiedInsertionKey>{new FileInsertionKey{std::move(key)}};
}

}  // namespace sealift::securitymodule
