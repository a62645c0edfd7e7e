// SPDX-License-Identifier: Apache-2.0
#include "rpc/query.h"

#include <algorithm>

#include "crypto/base64.h"

namespace sealift::rpc {
namespace {

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return fail(ErrorCode::malformed, "the query has a bad escape", "query");
    out += as_text(*byte);
    i += 2;
  }
  return out;
}

}  // namespace

Target split_target(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    SEALIFT_TRY(auto name, percent_decoded(pair.substr(0, equals)));
    SEALIFT_TRY(auto value, percent_decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1)));
    if (!out.emplace(std::move(name), std::move(value)).second) {
      return fail(ErrorCode::malformed, "the query has a name twice", "query");
    }
  }
  return out;
}

Result<std::string> from_base64url(std::string_view text) {
  std::string standard{text};
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  SEALIFT_TRY(const auto bytes, crypto::from_base64(standard));
  return std::string{as_text(bytes)};
}

}  // namespace sealift::rpc
