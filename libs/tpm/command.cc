// SPDX-License-Identifier: Apache-2.0
#include "tpm/command.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

namespace sealift::tpm {
namespace {

constexpr auto kHash = HashAlgorithm::sha256;
constexpr std::size_t kHeaderSize = 10;
constexpr std::size_t kParameterLimit = kMaxFrame - 512;  // the rest is for handles and sessions
constexpr std::size_t kSpare = 128;
constexpr std::size_t kDigestLimit = 64;

/// Handles that die with the connection or with the TPM's memory (Part 2, clause 7.2).
bool is_volatile(Handle handle) noexcept {
  const auto kind = handle >> TPM2_HR_SHIFT;
  return kind == TPM2_HT_HMAC_SESSION || kind == TPM2_HT_POLICY_SESSION || kind == TPM2_HT_TRANSIENT;
}

tl::unexpected<Error> fail_malformed(std::string_view name) {
  return fail(ErrorCode::malformed, fmt::format("{}: the response is not what this command returns", name),
              "response");
}

tl::unexpected<Error> fail_forged(std::string_view name) {
  return fail(ErrorCode::authentication_failed,
              fmt::format("{}: the response does not come from the TPM of this session", name), "response");
}

std::array<std::uint8_t, 4> be32_bytes(std::uint32_t value) noexcept {
  return {static_cast<std::uint8_t>(value >> 24U), static_cast<std::uint8_t>(value >> 16U),
          static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
}

}  // namespace

TpmCommand::TpmCommand(std::string_view name, std::uint32_t code) : name_{name}, code_{code} {}

TpmCommand& TpmCommand::authorize(const Entity& entity, Session& session) {
  entities_.push_back(entity);
  sessions_.push_back(&session);
  ++authorizations_;
  return *this;
}

TpmCommand& TpmCommand::protect(Session& session) {
  sessions_.push_back(&session);
  return *this;
}

const Entity& TpmCommand::entity_of(std::size_t session) const {
  static const Entity none = Entity::permanent(TPM2_RH_NULL);
  return session < authorizations_ ? entities_[session] : none;
}

TpmCommand& TpmCommand::handle(const Entity& entity) {
  entities_.push_back(entity);
  return *this;
}

TpmCommand& TpmCommand::bytes(ByteView value) {
  if (value.size() > kParameterLimit - used_) {
    overflow_ = true;
    return *this;
  }
  if (value.size() > parameters_.size() - used_) {
    SecretBytes larger{used_ + value.size() + kSpare};
    std::ranges::copy(parameters_.expose().first(used_), larger.expose_for_writing().begin());
    parameters_ = std::move(larger);
  }
  std::ranges::copy(value, parameters_.expose_for_writing().subspan(used_).begin());
  used_ += value.size();
  return *this;
}

TpmCommand& TpmCommand::u8(std::uint8_t value) { return bytes({&value, 1}); }
TpmCommand& TpmCommand::be16(std::uint16_t value) { return bytes(ByteView{be32_bytes(value)}.subspan(2)); }
TpmCommand& TpmCommand::be32(std::uint32_t value) { return bytes(be32_bytes(value)); }
TpmCommand& TpmCommand::sized(ByteView value) {
  overflow_ = overflow_ || value.size() > kParameterLimit;
  return be16(static_cast<std::uint16_t>(value.size())).bytes(value);
}

TpmCommand& TpmCommand::returns_handle() {
  returns_handle_ = true;
  return *this;
}
TpmCommand& TpmCommand::only_reads() {
  only_reads_ = true;
  return *this;
}
TpmCommand& TpmCommand::changes_auth(ByteView auth) {
  changed_auth_ = auth;
  return *this;
}

/// The contents of the first parameter, a TPM2B; it is there, because our own code put it there.
std::span<std::uint8_t> TpmCommand::first_parameter() {
  const auto all = parameters_.expose_for_writing().first(used_);
  const auto size = static_cast<std::size_t>((all[0] << 8U) | all[1]);
  return all.subspan(2, size);
}

Status TpmCommand::prepare_sessions() {
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    auto& session = *sessions_[i];
    const bool encrypts = session.encrypt_command_ || session.encrypt_response_;
    // Part 1, clause 19.6.5: a first session with a key would have to cover the other's nonce.
    if (encrypts && (!session.has_key() || (i != 0 && sessions_[0]->has_key()))) {
      return fail(ErrorCode::internal, fmt::format("{}: session {} cannot encrypt parameters", name_, i + 1));
    }
    session.roll();
  }
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    if (sessions_[i]->encrypt_command_) sessions_[i]->encrypt(entity_of(i), first_parameter());
  }
  return {};
}

Bytes TpmCommand::authorization_area() const {
  // cpHash = H(commandCode ‖ Names ‖ parameters): Part 1, clause 16.7.
  crypto::Hasher hasher{kHash};
  hasher.update(be32_bytes(code_));
  for (const auto& entity : entities_) hasher.update(entity.name.view());
  const auto cp_hash = hasher.update(parameters_.expose().first(used_)).finish();
  ByteWriter area;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const auto& session = *sessions_[i];
    const bool password = session.handle_ == TPM2_RH_PW;
    const auto hmac = password ? Digest{} : session.command_hmac(entity_of(i), cp_hash);
    area.be32(session.handle_).sized16(password ? ByteView{} : ByteView{session.caller_nonce_});
    area.u8(session.attributes()).sized16(hmac.view());
  }
  return std::move(area).take();
}

SecretBytes TpmCommand::frame() const {
  ByteWriter head;
  for (const auto& entity : entities_) head.be32(entity.handle);
  if (!sessions_.empty()) head.sized32(authorization_area());
  const auto size = kHeaderSize + head.view().size() + used_;
  ByteWriter header;
  header.be16(sessions_.empty() ? TPM2_ST_NO_SESSIONS : TPM2_ST_SESSIONS);
  header.be32(static_cast<std::uint32_t>(size)).be32(code_);
  SecretBytes frame{size};
  auto out = std::ranges::copy(header.view(), frame.expose_for_writing().begin()).out;
  out = std::ranges::copy(head.view(), out).out;
  std::ranges::copy(parameters_.expose().first(used_), out);
  return frame;
}

Tpm::Repeat TpmCommand::repeat() const noexcept {
  const bool bound_to_connection =
      std::ranges::any_of(sessions_, [](const Session* session) { return session->in_tpm_; }) ||
      std::ranges::any_of(entities_, [](const Entity& entity) { return is_volatile(entity.handle); });
  if (bound_to_connection) return Tpm::Repeat::never;
  return only_reads_ ? Tpm::Repeat::if_unanswered : Tpm::Repeat::if_unsent;
}

Result<TpmResponse> TpmCommand::run(Tpm& tpm) {
  if (overflow_) {
    return fail(ErrorCode::too_large, fmt::format("{}: the parameters are larger than a TPM takes", name_));
  }
  SEALIFT_CHECK(prepare_sessions());
  auto checked = send(tpm);
  for (auto* session : sessions_) {
    session->continue_ = true;
    session->encrypt_command_ = session->encrypt_response_ = false;
  }
  return checked;
}

Result<TpmResponse> TpmCommand::send(Tpm& tpm) {
  const auto whole = frame();
  SEALIFT_TRY(auto buffer, tpm.exchange(name_, whole.expose(), repeat()));
  auto response = check(std::move(buffer));
  // What the TPM may have loaded is of no use to anybody: its slot is.
  if (!response && is_volatile(returned_)) {
    (void)TpmCommand{"TPM2_FlushContext", TPM2_CC_FlushContext}.be32(returned_).run(tpm);
  }
  return response;
}

Result<TpmResponse> TpmCommand::check(SecretBytes buffer) {
  TpmResponse response;
  ByteReader reader{buffer.expose().subspan(kHeaderSize)};  // exchange() checked the header
  const bool with_sessions = buffer.expose()[1] == (TPM2_ST_SESSIONS & 0xFFU);
  if (with_sessions == sessions_.empty()) return fail_malformed(name_);
  if (returns_handle_) {
    const auto handle = reader.be32();
    if (!handle) return fail_malformed(name_);
    response.handle_ = returned_ = *handle;
  }
  const auto size =
      with_sessions ? reader.be32() : Result<std::uint32_t>{static_cast<std::uint32_t>(reader.rest().size())};
  if (!size) return fail_malformed(name_);
  response.start_ = kHeaderSize + reader.position();
  response.size_ = *size;
  if (!reader.take(*size)) return fail_malformed(name_);
  const auto parameters = buffer.expose_for_writing().subspan(response.start_, response.size_);
  response.buffer_ = std::move(buffer);
  SEALIFT_CHECK(check_authorizations(reader, parameters));
  return response;
}

Status TpmCommand::check_authorizations(ByteReader& reader, std::span<std::uint8_t> parameters) {
  if (changed_auth_) entities_[0].auth = *changed_auth_;
  // rpHash = H(responseCode ‖ commandCode ‖ parameters): Part 1, clause 16.8.
  const auto rp_hash = crypto::digest(kHash, {be32_bytes(TPM2_RC_SUCCESS), be32_bytes(code_), parameters});
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    SEALIFT_CHECK(check_authorization(i, reader, rp_hash, parameters));
  }
  return reader.at_end() ? Status{} : fail_malformed(name_);
}

Status TpmCommand::check_authorization(std::size_t number, ByteReader& reader, const Digest& rp_hash,
                                       std::span<std::uint8_t> parameters) {
  auto& session = *sessions_[number];
  const auto& entity = entity_of(number);
  const auto nonce = reader.sized16(kDigestLimit);
  const auto attributes = reader.u8();
  const auto hmac = reader.sized16(kDigestLimit);
  if (!nonce || !attributes || !hmac) return fail_malformed(name_);
  if (session.handle_ == TPM2_RH_PW) {
    return nonce->empty() && hmac->empty() ? Status{} : fail_malformed(name_);
  }
  const auto expected = session.response_hmac(entity, rp_hash, *nonce, *attributes);
  if (!constant_time_equal(expected.view(), *hmac)) return fail_forged(name_);
  if (session.encrypt_response_) {
    ByteReader first{parameters};
    const auto encrypted = first.sized16(parameters.size());
    if (!encrypted) return fail_malformed(name_);
    session.decrypt(entity, *nonce, parameters.subspan(2, encrypted->size()));
  }
  session.accept(*nonce, *attributes);
  return {};
}

}  // namespace sealift::tpm
