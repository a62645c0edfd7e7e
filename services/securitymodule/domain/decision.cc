// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/decision.h"

#include <fmt/core.h>

#include "crypto/x509.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kTextLimit = 512;

/// As a JSON string: what is not printable ASCII is escaped, so that a terminal shows it as harmless as a
/// parser reads it. Bytes that are no UTF-8 become what they would be in Latin-1.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kTextLimit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += fmt::format("\\u{:04x}", byte);
    }
  }
  return out + '"';
}

}  // namespace

std::string text_of(const Decision& decision, const Error* refusal, TimePoint time, std::string_view more,
                    std::string_view value) {
  std::string line = "{";
  const auto add = [&line](std::string_view member, std::string_view text) {
    if (text.empty()) return;
    line += fmt::format("{}\"{}\":{}", line.size() == 1 ? "" : ",", member, quoted(text));
  };
  add("time", crypto::utc_text(crypto::unix_seconds(time)));
  add("action", decision.action);
  add("asker", decision.asker.identity);
  add("tenant", decision.asker.tenant);
  add("image", decision.image_id);
  add("host", decision.storage_key_name);
  add("subject", decision.subject);
  add("verdict", refusal == nullptr ? decision.outcome : "refused");
  if (refusal != nullptr) {
    add("code", name(refusal->code));
    add("field", refusal->field);
    add("message", refusal->message);
  }
  add("trace", decision.asker.trace_id);
  if (!more.empty()) add(more, value);
  return line + "}";
}

}  // namespace sealift::securitymodule
