// SPDX-License-Identifier: Apache-2.0
#include "tpm/transport.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <thread>

#include "base/bytes.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kDeferralLimit{2000};
constexpr milliseconds kLongestPause{100};

Result<std::uint32_t> response_code(std::string_view command_name, ByteView response) {
  ByteReader reader{response};
  const auto tag = reader.be16();
  const auto size = reader.be32();
  const auto code = reader.be32();
  const bool framed = tag && size && code && *size == response.size();
  // Part 3, clause 5.2: an error response has no sessions and nothing after its code.
  const bool well_formed = framed &&
                           (*tag == TPM2_ST_NO_SESSIONS || (*tag == TPM2_ST_SESSIONS && *code == 0)) &&
                           (*code == 0 || reader.at_end());
  if (!well_formed) {
    return fail(ErrorCode::malformed, fmt::format("{}: what came back is not a TPM response", command_name),
                "response");
  }
  return *code;
}

bool is_deferral(std::uint32_t code) noexcept {
  return code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED || code == TPM2_RC_TESTING;
}

}  // namespace

Result<Tpm> Tpm::open(const std::string& tcti) {
  SEALIFT_TRY(auto channel, open_channel(tcti));
  return Tpm{std::move(channel)};
}

Result<SecretBytes> Tpm::exchange_once(ByteView command, Repeat repeat) {
  for (bool last = false;; last = true) {
    if (broken_) SEALIFT_CHECK(channel_->reopen());
    broken_ = false;
    ++statistics_.commands;
    const auto start = steady_clock::now();
    const auto sent = channel_->send(command);
    auto response = sent ? channel_->receive() : Result<SecretBytes>{tl::unexpected(sent.error())};
    statistics_.waited += steady_clock::now() - start;
    if (response) return response;
    broken_ = true;
    const bool again = repeat == Repeat::if_unanswered || (repeat == Repeat::if_unsent && !sent);
    if (last || !again) return response;
  }
}

Tpm::Turn::Turn(Tpm& tpm) : tpm_{tpm} { ++tpm_.turns_; }

Tpm::Turn::~Turn() {
  if (--tpm_.turns_ == 0) tpm_.channel_->release();
}

Result<SecretBytes> Tpm::exchange(std::string_view command_name, ByteView command, Repeat repeat) {
  const Turn turn{*this};
  const auto deadline = steady_clock::now() + kDeferralLimit;
  for (milliseconds pause{1};; pause = std::min(pause * 2, kLongestPause)) {
    SEALIFT_TRY(auto response, exchange_once(command, repeat));
    SEALIFT_TRY(const auto code, response_code(command_name, response.expose()));
    if (code == TPM2_RC_SUCCESS) return response;
    if (!is_deferral(code) || steady_clock::now() + pause > deadline) return fail_rc(command_name, code);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace sealift::tpm
