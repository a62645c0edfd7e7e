// SPDX-License-Identifier: Apache-2.0
/// One key in one PKCS#11 token (v2.40), addressed by a URI (RFC 7512), through whatever module the
/// token's maker delivers. p11-kit reads the URI and loads the module.
#pragma once

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "crypto/key.h"
#include "services/securitymodule/adapters/protectors.h"

namespace sealift::securitymodule {

/// What a key is for: AES-256-GCM; ECDH and ECDSA on P-256.
enum class TokenKey : std::uint8_t { wrapping, agreement, signing };

/// Used by one thread at a time.
class Pkcs11Token {
 public:
  using Call = std::function<CK_RV(const CK_FUNCTION_LIST&, CK_SESSION_HANDLE, CK_OBJECT_HANDLE key)>;

  /// The URI has `module-path`, `pin-source=file:PATH` (a file of its owner alone) and an `object` or `id`;
  /// a PIN in the URI itself is refused, because others see command lines. A missing key is generated where
  /// that is asked for, never extractable. Errors as for open_protector(); failed_precondition for a
  /// key that can leave its token.
  static Result<std::unique_ptr<Pkcs11Token>> open(const std::string& uri, MissingKey missing,
                                                   TokenKey use = TokenKey::wrapping);
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;
  ~Pkcs11Token();

  /// The token's serial number and the key's CKA_ID, or else its label: "pkcs11:0123abcd:77…".
  const std::string& key_id() const noexcept { return key_id_; }
  /// Of a key pair; not_found where the token does not show it, key_unsupported unless it is on P-256.
  Result<crypto::PublicKey> public_key();
  /// Runs `call`; where the session is gone (closed, logged out, the token was away) once more in a new one.
  Result<CK_RV> run(const Call& call);

 private:
  using Uri = std::unique_ptr<P11KitUri, void (*)(P11KitUri*)>;
  Pkcs11Token(Uri uri, TokenKey use) : uri_{std::move(uri)}, use_{use} {}

  Status load();
  Status connect(MissingKey missing);
  Result<CK_SLOT_ID> find_slot();
  Status log_in();
  Result<CK_OBJECT_HANDLE> find_key();
  Result<CK_OBJECT_HANDLE> find_one(std::span<CK_ATTRIBUTE> sought);
  Status generate_key();
  Status generate_secret_key(Bytes& id, Bytes& label);
  Status generate_key_pair(Bytes& id, Bytes& label);
  Status check_key();
  Result<Bytes> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  Bytes wanted(CK_ATTRIBUTE_TYPE type) const;
  std::string words() const;

  Uri uri_;
  TokenKey use_;
  CK_FUNCTION_LIST* module_ = nullptr;
  bool initialized_ = false;
  std::string serial_;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
  std::string key_id_;
};

/// unavailable at "protector": "C_Encrypt: …".
tl::unexpected<Error> fail_pkcs11(std::string_view doing, CK_RV code);

}  // namespace sealift::securitymodule
