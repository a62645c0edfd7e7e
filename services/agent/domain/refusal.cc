// SPDX-License-Identifier: Apache-2.0
#include "services/agent/domain/refusal.h"

#include <algorithm>

#include "services/agent/domain/limits.h"

namespace sealift::agent {
namespace {

std::string printable(const std::string& text) {
  auto out = text.substr(0, kMaxText);
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace

v1::Refusal to_refusal(const Error& error) {
  v1::Refusal refusal;
  refusal.set_code(std::string{name(error.code)});
  refusal.set_field(printable(error.field));
  refusal.set_message(printable(error.message));
  refusal.set_remedy(std::string{remedy(error.code)});
  refusal.set_expected(printable(error.expected));
  refusal.set_found(printable(error.found));
  return refusal;
}

bool is_final_answer(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::invalid_argument:
    case ErrorCode::failed_precondition:
    case ErrorCode::permission_denied:
    case ErrorCode::malformed:
    case ErrorCode::too_large:
      return true;
    default:
      return false;
  }
}

}  // namespace sealift::agent
