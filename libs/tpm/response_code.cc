// SPDX-License-Identifier: Apache-2.0
#include "tpm/response_code.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <array>

namespace sealift::tpm {
namespace {

// Part 2, tables 16 to 18: bit 7 set means format one, with the number of what is at fault in bits 8 to 11;
// else bits 11 and 8 set mean a warning.
constexpr std::uint32_t kFormatOne = 0x080;
constexpr std::uint32_t kFormatOneMask = 0x0BF;
constexpr std::uint32_t kFormatZeroMask = 0x97F;
constexpr std::uint32_t kParameter = 0x040;
constexpr std::uint32_t kSession = 0x800;

struct Code {
  std::uint32_t value;
  std::string_view name;
};

#define CODE(name) \
  Code { TPM2_RC_##name, "TPM_RC_" #name }
constexpr std::array kCodes{
    CODE(INITIALIZE),
    CODE(FAILURE),
    CODE(SEQUENCE),
    CODE(DISABLED),
    CODE(EXCLUSIVE),
    CODE(AUTH_TYPE),
    CODE(AUTH_MISSING),
    CODE(POLICY),
    CODE(PCR),
    CODE(PCR_CHANGED),
    CODE(UPGRADE),
    CODE(TOO_MANY_CONTEXTS),
    CODE(REBOOT),
    CODE(UNBALANCED),
    CODE(AUTH_UNAVAILABLE),
    CODE(COMMAND_SIZE),
    CODE(COMMAND_CODE),
    CODE(AUTHSIZE),
    CODE(AUTH_CONTEXT),
    CODE(NV_RANGE),
    CODE(NV_SIZE),
    CODE(NV_LOCKED),
    CODE(NV_AUTHORIZATION),
    CODE(NV_UNINITIALIZED),
    CODE(NV_SPACE),
    CODE(NV_DEFINED),
    CODE(BAD_CONTEXT),
    CODE(CPHASH),
    CODE(PARENT),
    CODE(NEEDS_TEST),
    CODE(NO_RESULT),
    CODE(SENSITIVE),
    CODE(ASYMMETRIC),
    CODE(ATTRIBUTES),
    CODE(HASH),
    CODE(VALUE),
    CODE(HIERARCHY),
    CODE(KEY_SIZE),
    CODE(MGF),
    CODE(MODE),
    CODE(TYPE),
    CODE(HANDLE),
    CODE(KDF),
    CODE(RANGE),
    CODE(AUTH_FAIL),
    CODE(NONCE),
    CODE(PP),
    CODE(SCHEME),
    CODE(SIZE),
    CODE(SYMMETRIC),
    CODE(TAG),
    CODE(SELECTOR),
    CODE(INSUFFICIENT),
    CODE(SIGNATURE),
    CODE(KEY),
    CODE(POLICY_FAIL),
    CODE(INTEGRITY),
    CODE(TICKET),
    CODE(RESERVED_BITS),
    CODE(BAD_AUTH),
    CODE(EXPIRED),
    CODE(POLICY_CC),
    CODE(BINDING),
    CODE(CURVE),
    CODE(ECC_POINT),
    CODE(CONTEXT_GAP),
    CODE(OBJECT_MEMORY),
    CODE(SESSION_MEMORY),
    CODE(MEMORY),
    CODE(SESSION_HANDLES),
    CODE(OBJECT_HANDLES),
    CODE(LOCALITY),
    CODE(YIELDED),
    CODE(CANCELED),
    CODE(TESTING),
    CODE(REFERENCE_H0),
    CODE(REFERENCE_H1),
    CODE(REFERENCE_H2),
    CODE(REFERENCE_S0),
    CODE(REFERENCE_S1),
    CODE(REFERENCE_S2),
    CODE(NV_RATE),
    CODE(LOCKOUT),
    CODE(RETRY),
    CODE(NV_UNAVAILABLE),
};
#undef CODE

/// What may be otherwise next time, without anybody doing anything about it.
constexpr std::array kPassing{
    TPM2_RC_PCR_CHANGED,     TPM2_RC_OBJECT_MEMORY, TPM2_RC_SESSION_MEMORY, TPM2_RC_MEMORY,
    TPM2_RC_SESSION_HANDLES, TPM2_RC_YIELDED,       TPM2_RC_TESTING,        TPM2_RC_RETRY,
};

bool is_format_one(std::uint32_t code) noexcept { return (code & kFormatOne) != 0; }

std::uint32_t base_of(std::uint32_t code) noexcept {
  return code & (is_format_one(code) ? kFormatOneMask : kFormatZeroMask);
}

std::string at_fault(std::uint32_t code) {
  if (!is_format_one(code)) return "";
  const auto number = code >> 8U;
  if ((code & kParameter) != 0) return fmt::format(" (parameter {})", number & 0xFU);
  const auto* const kind = (code & kSession) != 0 ? "session" : "handle";
  return (number & 7U) == 0 ? "" : fmt::format(" ({} {})", kind, number & 7U);
}

const Code* find(const Error& error) noexcept {
  if (error.code != ErrorCode::tpm_error) return nullptr;
  const auto* const found = std::ranges::find(kCodes, error.field, &Code::name);
  return found == kCodes.end() ? nullptr : found;
}

}  // namespace

std::string rc_name(std::uint32_t response_code) {
  const auto* const found = std::ranges::find(kCodes, base_of(response_code), &Code::value);
  return found == kCodes.end() ? fmt::format("TPM_RC_0x{:03X}", response_code) : std::string{found->name};
}

tl::unexpected<Error> fail_rc(std::string_view command_name, std::uint32_t response_code) {
  auto name = rc_name(response_code);
  auto message = fmt::format("{}: {}{}", command_name, name, at_fault(response_code));
  return fail(ErrorCode::tpm_error, std::move(message), std::move(name),
              fmt::format("{:#05x}", response_code));
}

bool is_rc(const Error& error, std::string_view rc) {
  return error.code == ErrorCode::tpm_error && error.field == rc;
}

bool is_refusal(const Error& error) {
  const auto* const code = find(error);
  return code != nullptr && is_format_one(code->value);
}

bool is_passing(const Error& error) {
  if (error.code == ErrorCode::tpm_unavailable) return true;
  const auto* const code = find(error);
  return code != nullptr && std::ranges::find(kPassing, code->value) != kPassing.end();
}

}  // namespace sealift::tpm
