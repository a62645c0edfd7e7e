// SPDX-License-Identifier: Apache-2.0
/// A client of QEMU's machine protocol (docs/interop/qmp-spec.txt), as far as a launch needs it.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/process.h"

namespace sealift::agent {

class Qmp {
 public:
  /// Waits until `qemu` listens at `socket`, and agrees on the protocol. guest_failed where it ends before
  /// that.
  static Result<Qmp> connect(const std::filesystem::path& socket, Child& qemu,
                             std::chrono::seconds limit = std::chrono::seconds{60});

  /// The command's "return". What QEMU answers with an error is guest_failed, its message QEMU's words;
  /// events in between are left out. `limit` is for the answer.
  Result<nlohmann::json> execute(std::string_view command, const nlohmann::json& arguments) const;
  Result<nlohmann::json> execute(std::string_view command) const;

 private:
  Qmp(UniqueFd socket, std::chrono::seconds limit) : socket_{std::move(socket)}, limit_{limit} {}
  Result<nlohmann::json> receive(std::chrono::steady_clock::time_point deadline) const;

  UniqueFd socket_;
  std::chrono::seconds limit_;
};

}  // namespace sealift::agent
