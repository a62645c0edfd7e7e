// SPDX-License-Identifier: Apache-2.0
#include "cli/run/machine.h"

#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/output.h"
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

Result<std::filesystem::path> ultravisor_socket_of(const std::string& name,
                                                   const std::filesystem::path& machines) {
  SEALIFT_TRY(const auto emulator, find_program("sealift-emulator"));
  Command command;
  command.argv = {emulator.string(), "show", name, "--json"};
  if (!machines.empty()) command.argv.insert(command.argv.end(), {"--dir", machines.string()});
  SEALIFT_TRY(const auto output, sealift::run(std::move(command)));
  if (output.exit_status != 0) return tl::unexpected(error_from(output));
  const auto machine = Json::parse(output.out, nullptr, false);
  auto socket = text_at(machine, "ultravisor_socket");
  if (socket.empty())
    return fail(ErrorCode::internal, "sealift-emulator does not tell the ultravisor's socket");
  if (text_at(machine, "state") != "on") {
    return fail(ErrorCode::unavailable, "machine " + name + " is off: sealift dev host boot " + name,
                "state");
  }
  return socket;
}

}  // namespace sealift::cli
