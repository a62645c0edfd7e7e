// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/qmp_documents.h"

namespace sealift::emulator {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// The length of the document that `text` begins with; nothing where it is not whole. Outside of an object a
/// document ends at the end of its line: it is for QEMU to say what is wrong with it.
std::optional<std::size_t> length_of(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && c == '{') {
      ++depth;
    } else if (!in_string && c == '}') {
      if (--depth <= 0) return i + 1;
    } else if (depth == 0 && c == '\n') {
      return i + 1;
    }
  }
  return std::nullopt;
}

}  // namespace

bool QmpDocuments::feed(std::string_view bytes) {
  if (bytes.size() > kLimit - pending_.size()) return false;
  pending_ += bytes;
  return true;
}

std::optional<std::string> QmpDocuments::next() {
  pending_.erase(0, pending_.find_first_not_of(kSpace));
  const auto length = length_of(pending_);
  if (!length) return std::nullopt;
  auto document = pending_.substr(0, *length);
  pending_.erase(0, *length);
  return document;
}

}  // namespace sealift::emulator
