// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sealift {
namespace {

struct Entry {
  std::string_view name;
  ErrorKind kind;
  std::string_view remedy;
};

constexpr std::array kEntries{
#define SEALIFT_ERROR_CODE(name, kind, remedy) Entry{#name, ErrorKind::kind, remedy},
#include "base/error_codes.def"
#undef SEALIFT_ERROR_CODE
};

const Entry& entry(ErrorCode code) noexcept { return kEntries.at(static_cast<std::size_t>(code)); }

}  // namespace

std::string_view name(ErrorCode code) noexcept { return entry(code).name; }
ErrorKind kind(ErrorCode code) noexcept { return entry(code).kind; }
std::string_view remedy(ErrorCode code) noexcept { return entry(code).remedy; }

ErrorCode error_code_from_name(std::string_view text) noexcept {
  const auto* const found = std::ranges::find(kEntries, text, &Entry::name);
  return found == kEntries.end() ? ErrorCode::internal : static_cast<ErrorCode>(found - kEntries.begin());
}

}  // namespace sealift
