// SPDX-License-Identifier: Apache-2.0
#include "emulator/psp/guest.h"

#include <algorithm>

#include "crypto/random.h"
#include "crypto/signature.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/secret_packet.h"

namespace sealift::emulator {
namespace {

using crypto::HashAlgorithm;

constexpr std::size_t kBlock = 16;
/// 55766, chapter 3: bits 6 to 15 are reserved.
constexpr std::uint32_t kReservedPolicy = 0x0000FFC0;
constexpr std::size_t kSignatureNumberSize = 72;

PspStatus status_of_session(const Error& error) {
  if (error.code == ErrorCode::authentication_failed) return PspStatus::bad_measurement;
  return error.field == "session.size" ? PspStatus::invalid_length : PspStatus::invalid_certificate;
}

PspStatus status_of_packet(const Error& error) {
  if (error.code == ErrorCode::authentication_failed) return PspStatus::bad_measurement;
  if (error.code == ErrorCode::unsupported) return PspStatus::unsupported;
  return PspStatus::invalid_length;
}

void add_little_endian(ByteWriter& out, const Bytes& number) {
  out.bytes(Bytes{number.rbegin(), number.rend()}).bytes(Bytes(kSignatureNumberSize - number.size()));
}

}  // namespace

std::string_view text(GuestState state) noexcept {
  switch (state) {
    case GuestState::lupdate:
      return "launch-update";
    case GuestState::lsecret:
      return "launch-secret";
    case GuestState::running:
      return "running";
  }
  return "uninit";
}

Guest::Guest(const Platform& platform, sev::Policy policy, sev::TransportKeys keys)
    : platform_{&platform},
      token_{platform.token_},
      handle_{platform.guests()},
      policy_{policy},
      keys_{std::move(keys)} {}

PspAnswer<Guest> Guest::start(const Platform& platform, sev::Policy policy, ByteView godh, ByteView session) {
  if (!platform.is_on()) return refused(PspStatus::invalid_platform_state);
  const auto certificate = sev::Certificate::parse(godh, "godh");
  if (!certificate || certificate->usage() != sev::Usage::pdh) return refused(PspStatus::invalid_certificate);
  if ((policy.value() & kReservedPolicy) != 0 || policy.minimum_api() > kPspApi)
    return refused(PspStatus::policy_failure);
  auto keys = sev::open_session(platform.identity().owned().pdh.key, *certificate, session, policy);
  if (!keys) return refused(status_of_session(keys.error()));
  return Guest{platform, policy, std::move(*keys)};
}

PspStatus Guest::require(bool state_allows) const {
  // The platform's shutdown leaves only the guests' own tokens behind.
  if (!keys_ || platform_->token_ != token_) return PspStatus::invalid_guest;
  return state_allows ? PspStatus::success : PspStatus::invalid_guest_state;
}

PspStatus Guest::update_data(ByteView bytes) {
  if (const auto status = require(state_ == GuestState::lupdate); status != PspStatus::success) return status;
  if (bytes.empty() || bytes.size() % kBlock != 0) return PspStatus::invalid_length;
  hasher_.update(bytes);
  return PspStatus::success;
}

PspStatus Guest::update_vmsa(ByteView page) {
  if (const auto status = require(state_ == GuestState::lupdate); status != PspStatus::success) return status;
  if (!policy_.has(sev::PolicyBit::es)) return PspStatus::policy_failure;
  if (page.size() != sev::kVmsaSize) return PspStatus::invalid_length;
  hasher_.update(page);
  return PspStatus::success;
}

PspAnswer<sev::Measurement> Guest::measure() {
  if (const auto status = require(state_ == GuestState::lupdate); status != PspStatus::success)
    return refused(status);
  digest_ = hasher_.finish();
  measurement_ = sev::measure(keys_->tik, {kPspApi, kPspBuild}, policy_, digest_,
                              crypto::random_array<sev::kMeasureNonceSize>());
  state_ = GuestState::lsecret;
  return *measurement_;
}

PspStatus Guest::secret(ByteView header, ByteView payload, std::span<std::uint8_t> memory) const {
  if (const auto status = require(state_ == GuestState::lsecret); status != PspStatus::success) return status;
  if (memory.size() != payload.size()) return PspStatus::invalid_length;
  const auto secret = sev::open_packet(*keys_, *measurement_, header, payload, kPspApi);
  if (!secret) return status_of_packet(secret.error());
  std::ranges::copy(secret->expose(), memory.begin());
  return PspStatus::success;
}

PspStatus Guest::finish() {
  const auto status = require(state_ == GuestState::lsecret);
  if (status == PspStatus::success) state_ = GuestState::running;
  return status;
}

PspAnswer<Bytes> Guest::attest(ByteView nonce) const {
  if (const auto status = require(state_ != GuestState::lupdate); status != PspStatus::success)
    return refused(status);
  if (nonce.size() != kReportNonceSize) return refused(PspStatus::invalid_length);
  ByteWriter report;
  report.bytes(nonce).bytes(digest_.view()).le32(policy_.value());
  const auto signature =
      crypto::sign_ecdsa(platform_->identity().owned().pek.key, HashAlgorithm::sha256, report.view());
  if (!signature) return refused(PspStatus::bad_signature);
  report.le32(static_cast<std::uint32_t>(sev::Usage::pek));
  report.le32(static_cast<std::uint32_t>(sev::Algorithm::ecdsa_sha256)).le32(0);
  add_little_endian(report, signature->r);
  add_little_endian(report, signature->s);
  return std::move(report).take();
}

PspStatus Guest::decommission() {
  const auto status = require(true);
  if (status == PspStatus::success) {
    keys_.reset();
    token_.reset();
  }
  return status;
}

}  // namespace sealift::emulator
