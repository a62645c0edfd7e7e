// SPDX-License-Identifier: Apache-2.0
#include "tpm/session.h"

#include <tss2/tss2_tpm2_types.h>

#include <utility>

#include "crypto/cipher.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "tpm/command.h"
#include "tpm/seed_transport.h"

namespace sealift::tpm {
namespace {

constexpr auto kHash = HashAlgorithm::sha256;
constexpr std::size_t kKeySize = 16;  // AES-128
constexpr std::size_t kIvSize = 16;
constexpr std::uint16_t kKeyBits = 128;
constexpr std::size_t kNonceLimit = 64;
constexpr std::array<std::uint8_t, 2> kNoSalt{};  // an empty TPM2B

/// The TPM forgets an auth value's trailing zeros (Part 1, clause 19.6.5).
ByteView without_trailing_zeros(ByteView auth) noexcept {
  while (!auth.empty() && auth.back() == 0) auth = auth.first(auth.size() - 1);
  return auth;
}

SecretBytes join(ByteView a, ByteView b) {
  SecretBytes joined{a.size() + b.size()};
  std::ranges::copy(b, std::ranges::copy(a, joined.expose_for_writing().begin()).out);
  return joined;
}

/// KDFa(sessionValue, "CFB", nonceNewer, nonceOlder): the key, then the IV.
SecretBytes cfb_key(const SecretBytes& secret, ByteView newer, ByteView older) {
  return crypto::kdfa(kHash, secret.expose(), "CFB", newer, older, kKeySize + kIvSize);
}

}  // namespace

Session Session::empty_auth() {
  Session session;
  session.handle_ = TPM2_RH_PW;
  return session;
}

Result<Session> Session::start_hmac(Tpm& tpm, const Entity& bind) { return start(tpm, TPM2_SE_HMAC, &bind); }
Result<Session> Session::start_policy(Tpm& tpm, const Entity& bind) {
  return start(tpm, TPM2_SE_POLICY, &bind);
}
Result<Session> Session::start_policy(Tpm& tpm) { return start(tpm, TPM2_SE_POLICY, nullptr); }

Result<Session> Session::start_salted_policy(Tpm& tpm, Handle handle, const Public& key) {
  SEALIFT_TRY(const auto receiver, key.key());
  SEALIFT_TRY(const auto transport, SeedTransport::prepare(receiver, key.name_algorithm(), "SECRET"));
  SEALIFT_TRY(auto seed, transport->new_seed());
  const Salt salt{handle, std::move(seed.value), std::move(seed.encrypted)};
  return start(tpm, TPM2_SE_POLICY, nullptr, &salt);
}

Result<Session> Session::start(Tpm& tpm, std::uint8_t type, const Entity* bind, const Salt* salt) {
  Session session;
  session.tpm_ = &tpm;
  session.is_policy_ = type == TPM2_SE_POLICY;
  session.roll();
  TpmCommand command{"TPM2_StartAuthSession", TPM2_CC_StartAuthSession};
  command.handle(salt == nullptr ? Handle{TPM2_RH_NULL} : salt->key);
  command.handle(bind == nullptr ? Entity::permanent(TPM2_RH_NULL) : *bind);
  command.sized(session.caller_nonce_);
  command.bytes(salt == nullptr ? ByteView{kNoSalt} : ByteView{salt->encrypted}).u8(type);
  command.be16(TPM2_ALG_AES).be16(kKeyBits).be16(TPM2_ALG_CFB).be16(algorithm_id(kHash));
  SEALIFT_TRY(const auto response, command.returns_handle().run(tpm));
  session.handle_ = response.handle();
  session.in_tpm_ = true;
  auto reader = response.reader();
  SEALIFT_TRY(const auto nonce, reader.sized16(kNonceLimit));
  SEALIFT_CHECK(reader.expect_end());
  session.tpm_nonce_ = to_bytes(nonce);
  if (bind == nullptr && salt == nullptr) return session;
  if (bind != nullptr) session.bound_to_ = bind->name;
  const auto secret = join(bind == nullptr ? ByteView{} : without_trailing_zeros(bind->auth),
                           salt == nullptr ? ByteView{} : salt->value.expose());
  session.key_ =
      crypto::kdfa(kHash, secret.expose(), "ATH", nonce, session.caller_nonce_, crypto::digest_size(kHash));
  return session;
}

Session::Session(Session&& other) noexcept { *this = std::move(other); }

Session& Session::operator=(Session&& other) noexcept {
  std::swap(tpm_, other.tpm_);
  std::swap(handle_, other.handle_);
  std::swap(in_tpm_, other.in_tpm_);
  std::swap(is_policy_, other.is_policy_);
  std::swap(continue_, other.continue_);
  std::swap(encrypt_command_, other.encrypt_command_);
  std::swap(encrypt_response_, other.encrypt_response_);
  std::swap(bound_to_, other.bound_to_);
  std::swap(key_, other.key_);
  std::swap(caller_nonce_, other.caller_nonce_);
  std::swap(tpm_nonce_, other.tpm_nonce_);
  return *this;
}

Session::~Session() { flush(); }

void Session::flush() noexcept {
  if (!in_tpm_) return;
  in_tpm_ = false;
  // A session that is gone already (the TPM restarted) is as good as flushed.
  (void)TpmCommand{"TPM2_FlushContext", TPM2_CC_FlushContext}.be32(handle_).run(*tpm_);
}

void Session::roll() { crypto::fill_random(caller_nonce_); }

void Session::accept(ByteView tpm_nonce, std::uint8_t attributes) {
  tpm_nonce_ = to_bytes(tpm_nonce);
  in_tpm_ = in_tpm_ && (attributes & TPMA_SESSION_CONTINUESESSION) != 0;
}

std::uint8_t Session::attributes() const noexcept {
  unsigned attributes = 0;
  if (continue_) attributes |= TPMA_SESSION_CONTINUESESSION;
  if (encrypt_command_) attributes |= TPMA_SESSION_DECRYPT;  // named from the TPM's point of view
  if (encrypt_response_) attributes |= TPMA_SESSION_ENCRYPT;
  return static_cast<std::uint8_t>(attributes);
}

/// The auth value is in an HMAC session's key already where it is bound to the entity; in that of a policy
/// session it counts only with PolicyAuthValue, which is for the entity that the session is bound to.
bool Session::needs_auth(const Entity& entity) const {
  const bool is_bound_to_it = bound_to_ == entity.name;
  return is_policy_ ? is_bound_to_it : !is_bound_to_it;
}

SecretBytes Session::secret_for(const Entity& entity, bool with_auth) const {
  return join(key_.expose(), with_auth ? without_trailing_zeros(entity.auth) : ByteView{});
}

Digest Session::hmac(ByteView key, const Digest& parameters, ByteView newer, ByteView older,
                     std::uint8_t attributes) const {
  // Without a key there is nothing to prove; the standard then has an Empty Buffer in place of the HMAC.
  if (key.empty()) return {};
  return crypto::hmac(kHash, key, {parameters.view(), newer, older, ByteView{&attributes, 1}});
}

Digest Session::command_hmac(const Entity& entity, const Digest& cp_hash) const {
  const auto key = secret_for(entity, needs_auth(entity));
  return hmac(key.expose(), cp_hash, caller_nonce_, tpm_nonce_, attributes());
}

Digest Session::response_hmac(const Entity& entity, const Digest& rp_hash, ByteView tpm_nonce,
                              std::uint8_t attributes) const {
  const auto key = secret_for(entity, needs_auth(entity));
  return hmac(key.expose(), rp_hash, tpm_nonce, caller_nonce_, attributes);
}

void Session::encrypt(const Entity& entity, std::span<std::uint8_t> parameter) const {
  const auto key = cfb_key(secret_for(entity, true), caller_nonce_, tpm_nonce_);
  crypto::cfb_encrypt(key.expose().first(kKeySize), key.expose().subspan(kKeySize), parameter);
}

void Session::decrypt(const Entity& entity, ByteView tpm_nonce, std::span<std::uint8_t> parameter) const {
  const auto key = cfb_key(secret_for(entity, true), tpm_nonce, caller_nonce_);
  crypto::cfb_decrypt(key.expose().first(kKeySize), key.expose().subspan(kKeySize), parameter);
}

}  // namespace sealift::tpm
