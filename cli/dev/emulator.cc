// SPDX-License-Identifier: Apache-2.0
#include "cli/dev/emulator.h"

#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/programs.h"

namespace sealift::cli {
namespace {

std::string text_at(const Json& document, const char* member) {
  if (!document.is_object()) return {};
  const auto found = document.find(member);
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// What the emulator wrote to stderr with --json, as the error it was.
Error error_from(const Output& output) {
  const auto document = Json::parse(output.err, nullptr, false);
  const auto error = document.is_object() && document.contains("error") ? document["error"] : Json{};
  const auto code = text_at(error, "code");
  if (code.empty()) return {ErrorCode::internal, "sealift-emulator failed", {}, output.err};
  return {error_code_from_name(code), text_at(error, "message"), text_at(error, "field"), {}};
}

}  // namespace

Result<Json> run_emulator(std::vector<std::string> words, const std::filesystem::path& machines) {
  SEALIFT_TRY(const auto emulator, find_program("sealift-emulator"));
  words.insert(words.begin(), emulator.string());
  words.emplace_back("--json");
  if (!machines.empty()) words.insert(words.end(), {"--dir", machines.string()});
  sealift::Command command;
  command.argv = std::move(words);
  SEALIFT_TRY(const auto output, sealift::run(std::move(command)));
  if (output.exit_status != 0) return tl::unexpected(error_from(output));
  auto document = Json::parse(output.out, nullptr, false);
  if (document.is_object()) return document;
  return fail(ErrorCode::internal, "sealift-emulator printed no JSON document");
}

}  // namespace sealift::cli
