// SPDX-License-Identifier: Apache-2.0
/// SEV guests of this host: loaded paused, measured, released with their secret, followed to their end. They
/// are this process's children, and end with it: there is no trusted component here that could keep them.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "services/agent/domain/ports.h"
#include "services/agent/sev/machine.h"

namespace sealift::agent {

class SevGuestRun;

class SevGuests final : public Ultravisor {
 public:
  SevGuests(SevHost host, std::filesystem::path firmware);
  ~SevGuests() override;

  Result<std::optional<Ending>> launch(const Guest& guest, const OnEvent& on_event,
                                       const std::stop_token& stop) override;
  Result<std::optional<Ending>> watch(const std::string& id, const OnEvent& on_event,
                                      const std::stop_token& stop) override;
  Result<Bytes> measurement(const std::string& id) override;
  Status release(const std::string& id, const v1::LaunchSecret& secret) override;
  Status stop(const std::string& id) override;
  Result<std::vector<std::string>> list() override;

 private:
  using Found = std::shared_ptr<SevGuestRun>;
  Found find(const std::string& id);
  void forget_ended();

  SevHost host_;
  const std::filesystem::path firmware_;
  std::mutex mutex_;
  std::map<std::string, Found> runs_;
};

}  // namespace sealift::agent
