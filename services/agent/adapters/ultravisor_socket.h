// SPDX-License-Identifier: Apache-2.0
/// The ultravisor, through its unix socket.
#pragma once

#include "services/agent/domain/ports.h"
#include "services/ultravisor/api/messages.h"

namespace sealift::agent {

class UltravisorSocket final : public Ultravisor {
 public:
  explicit UltravisorSocket(std::filesystem::path socket) : socket_{std::move(socket)} {}

  Result<std::optional<Ending>> launch(const Guest& guest, const OnEvent& on_event,
                                       const std::stop_token& stop) override;
  Result<std::optional<Ending>> watch(const std::string& id, const OnEvent& on_event,
                                      const std::stop_token& stop) override;
  Status stop(const std::string& id) override;
  Result<std::vector<std::string>> list() override;

 private:
  Result<ultravisor::Reply> ask(ultravisor::Request request);
  const std::filesystem::path socket_;
};

}  // namespace sealift::agent
