// SPDX-License-Identifier: Apache-2.0
/// How the tool speaks: one JSON document or text for people on standard output, errors on standard error.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::cli {

using Json = nlohmann::ordered_json;

/// The document with a newline. io_error where standard output does not take it (a full disk, a closed pipe).
Status print_document(const Json& document);
/// The same on one line: for streams of documents.
Status print_line(const Json& document);
Status print_text(std::string_view text);

/// {"code", "message", "field", "expected" and "found" (each where there is one), "remedy"}
Json to_json(const Error& error);
/// For machines {"error": …} on one line; for people "sealift: code: message" and what they can do about it.
void print_error(const Error& error, bool json);

/// Two lines that begin with `indent` spaces: "expected: …" and "found: …"; "" where the error has neither.
std::string values_text(const Error& error, int indent);

/// Control characters and broken UTF-8 as \xNN: what others wrote, safe for a terminal.
std::string printable(std::string_view text);

}  // namespace sealift::cli
