// SPDX-License-Identifier: Apache-2.0
/// Sessions: how a command proves that its sender knows an auth value, and how both sides know that nobody
/// altered the command or its response on the way (Part 1, clauses 17 to 19 and 21).
///
/// A bound session's key derives from the auth value of the entity it was bound to, so that value never
/// crosses the bus. Whoever does not know it can neither forge a command or response nor read an encrypted
/// parameter. What this does not protect: which commands are sent, their other parameters, and anything at
/// all while that auth value is empty, as a hierarchy's may be before it is set.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/secret.h"
#include "tpm/transport.h"
#include "tpm/types.h"

namespace sealift::tpm {

/// Something in the TPM that has a Name and an auth value. Views: the owner of both outlives the use.
struct Entity {
  Handle handle;
  Name name;
  ByteView auth = {};  ///< empty: the Empty Auth

  /// A hierarchy, or another permanent handle, which is its own Name.
  static Entity permanent(Handle handle, ByteView auth = {}) {
    return {handle, Name::of_handle(handle), auth};
  }
};

/// An authorization session, SHA-256, owned: what is still in the TPM at the end is flushed.
class Session {
 public:
  /// TPM_RS_PW with the Empty Auth: for entities whose auth value is empty. No protection, no slot.
  static Session empty_auth();
  /// An HMAC session bound to `bind`.
  static Result<Session> start_hmac(Tpm& tpm, const Entity& bind);
  /// A policy session, bound to `bind`.
  static Result<Session> start_policy(Tpm& tpm, const Entity& bind);
  /// A policy session with no key: it proves the policy, and protects nothing.
  static Result<Session> start_policy(Tpm& tpm);
  /// A policy session whose key derives from a secret that only the TPM holding the private half of `key` can
  /// read: for a key that the caller knows, a listener learns nothing of what crosses encrypted.
  static Result<Session> start_salted_policy(Tpm& tpm, Handle handle, const Public& key);

  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  Handle handle() const noexcept { return handle_; }
  /// The next command that succeeds with this session ends it, which saves flushing it.
  void end_with_next_command() noexcept { continue_ = false; }
  /// The next command's first parameter crosses the bus encrypted (AES-128-CFB). Only for a session with a
  /// key.
  void encrypt_next_command() noexcept { encrypt_command_ = true; }
  /// The same for the first parameter of its response.
  void encrypt_next_response() noexcept { encrypt_response_ = true; }

 private:
  friend class TpmCommand;
  using Nonce = std::array<std::uint8_t, 32>;

  Session() = default;
  struct Salt {
    Handle key;
    SecretBytes value;
    Bytes encrypted;  ///< TPM2B_ENCRYPTED_SECRET
  };
  static Result<Session> start(Tpm& tpm, std::uint8_t type, const Entity* bind, const Salt* salt = nullptr);
  /// A new caller's nonce, for the next command.
  void roll();
  /// The TPM accepted the command with which `attributes` came back.
  void accept(ByteView tpm_nonce, std::uint8_t attributes);
  std::uint8_t attributes() const noexcept;
  bool has_key() const noexcept { return !key_.empty(); }
  /// sessionKey, with authValue behind it where that counts, too.
  SecretBytes secret_for(const Entity& entity, bool with_auth) const;
  /// The authorization HMAC (Part 1, clause 19.6.5) of the command, and of its response.
  Digest command_hmac(const Entity& entity, const Digest& cp_hash) const;
  Digest response_hmac(const Entity& entity, const Digest& rp_hash, ByteView tpm_nonce,
                       std::uint8_t attributes) const;
  Digest hmac(ByteView key, const Digest& parameters, ByteView newer, ByteView older,
              std::uint8_t attributes) const;
  bool needs_auth(const Entity& entity) const;
  /// Parameter encryption (clause 21.3), in place.
  void encrypt(const Entity& entity, std::span<std::uint8_t> parameter) const;
  void decrypt(const Entity& entity, ByteView tpm_nonce, std::span<std::uint8_t> parameter) const;
  void flush() noexcept;

  Tpm* tpm_ = nullptr;
  Handle handle_ = 0;
  bool in_tpm_ = false;
  bool is_policy_ = false;
  bool continue_ = true;
  bool encrypt_command_ = false;
  bool encrypt_response_ = false;
  std::optional<Name> bound_to_;
  SecretBytes key_;
  Nonce caller_nonce_{};
  Bytes tpm_nonce_;
};

}  // namespace sealift::tpm
