// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace sealift::cli {
namespace {

std::string dump(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Bytes of the UTF-8 sequence that starts `text`; 0 where it is broken or a control character.
std::size_t plain_sequence(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) return 0;
  }
  return first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0 ? 0 : size;  // C1 controls
}

}  // namespace

Status print_text(std::string_view text) { return write_all(STDOUT_FILENO, as_bytes(text)); }
Status print_document(const Json& document) { return print_text(dump(document, 2)); }
Status print_line(const Json& document) { return print_text(dump(document, -1)); }

Json to_json(const Error& error) {
  Json document{{"code", name(error.code)}, {"message", error.message}};
  if (!error.field.empty()) document["field"] = error.field;
  if (!error.expected.empty()) {
    document["expected"] = error.expected;
    document["found"] = error.found;
  }
  document["remedy"] = remedy(error.code);
  return document;
}

void print_error(const Error& error, bool json) {
  const auto text = json ? dump(Json{{"error", to_json(error)}}, -1)
                         : fmt::format("sealift: {}: {}\n{}  → {}\n", name(error.code),
                                       printable(error.message), values_text(error, 2), remedy(error.code));
  (void)write_all(STDERR_FILENO, as_bytes(text));  // there is nobody left to tell
}

std::string values_text(const Error& error, int indent) {
  if (error.expected.empty()) return {};
  return fmt::format("{0:{1}}expected: {2}\n{0:{1}}found:    {3}\n", "", indent, printable(error.expected),
                     printable(error.found));
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = plain_sequence(text);
    if (size == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
    } else {
      out += text.substr(0, size);
      text.remove_prefix(size);
    }
  }
  return out;
}

}  // namespace sealift::cli
