// SPDX-License-Identifier: Apache-2.0
/// One TPM command: built, authorized, sent, its response checked (Part 1, clause 18).
///
/// `TpmCommand{"TPM2_Load", TPM2_CC_Load}.authorize(parent, session).sized(priv).bytes(pub).run(tpm)`
#pragma once

#include <string_view>
#include <vector>

#include "tpm/session.h"

namespace sealift::tpm {

/// A response whose HMACs were verified, with the first parameter decrypted where the session asked for it.
class TpmResponse {
 public:
  /// The handle the TPM returned; 0 where the command returns none.
  Handle handle() const noexcept { return handle_; }
  /// All parameters. A view into this response; wiped with it.
  ByteView parameters() const& noexcept { return buffer_.expose().subspan(start_, size_); }
  void parameters() const&& = delete;
  ByteReader reader() const& noexcept { return ByteReader{parameters()}; }
  void reader() const&& = delete;

 private:
  friend class TpmCommand;
  SecretBytes buffer_;
  Handle handle_ = 0;
  std::size_t start_ = 0;
  std::size_t size_ = 0;
};

class TpmCommand {
 public:
  /// `name` is the standard's, for messages; it outlives the command.
  TpmCommand(std::string_view name, std::uint32_t code);
  TpmCommand(const TpmCommand&) = delete;
  TpmCommand& operator=(const TpmCommand&) = delete;
  TpmCommand(TpmCommand&&) = delete;
  TpmCommand& operator=(TpmCommand&&) = delete;
  ~TpmCommand() = default;

  // Handles, in the command's order; those that need authorization come first (Part 1, clause 18.4).
  TpmCommand& authorize(const Entity& entity, Session& session);
  TpmCommand& handle(const Entity& entity);
  TpmCommand& handle(Handle handle) { return this->handle(Entity::permanent(handle)); }

  /// One more session, after those that authorize: to encrypt a parameter by a secret that has nothing to do
  /// with the entities. The first session must then be one without a key.
  TpmCommand& protect(Session& session);

  // Parameters, in the command's order, big-endian.
  TpmCommand& u8(std::uint8_t value);
  TpmCommand& be16(std::uint16_t value);
  TpmCommand& be32(std::uint32_t value);
  TpmCommand& bytes(ByteView value);
  TpmCommand& sized(ByteView value);  ///< TPM2B_*

  /// The response has a handle.
  TpmCommand& returns_handle();
  /// It only reads, so that it may be repeated when the response was lost.
  TpmCommand& only_reads();
  /// The first authorized entity's auth value becomes `auth`: a session that is not bound to the entity
  /// proves that one already in its response.
  TpmCommand& changes_auth(ByteView auth);

  /// Sends it. The TPM's refusals: see response_code.h. authentication_failed, naming the command, where the
  /// response is not what this TPM said to us in this session; malformed where it is not a response.
  Result<TpmResponse> run(Tpm& tpm);

 private:
  Status prepare_sessions();
  /// What the session authorizes; for one that only protects, an entity without auth value.
  const Entity& entity_of(std::size_t session) const;
  std::span<std::uint8_t> first_parameter();
  SecretBytes frame() const;
  Bytes authorization_area() const;
  Tpm::Repeat repeat() const noexcept;
  Result<TpmResponse> send(Tpm& tpm);
  Result<TpmResponse> check(SecretBytes buffer);
  Status check_authorizations(ByteReader& reader, std::span<std::uint8_t> parameters);
  Status check_authorization(std::size_t number, ByteReader& reader, const Digest& rp_hash,
                             std::span<std::uint8_t> parameters);

  std::string_view name_;
  std::uint32_t code_;
  bool returns_handle_ = false;
  bool only_reads_ = false;
  std::optional<ByteView> changed_auth_;
  std::vector<Entity> entities_;
  std::vector<Session*>
      sessions_;  ///< of the first entities, in the same order; then those that only protect
  std::size_t authorizations_ = 0;  ///< how many of the sessions authorize
  SecretBytes parameters_;
  std::size_t used_ = 0;
  bool overflow_ = false;
  Handle returned_ = 0;  ///< by the TPM, proven or not
};

}  // namespace sealift::tpm
