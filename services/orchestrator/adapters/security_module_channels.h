// SPDX-License-Identifier: Apache-2.0
/// The tenants' security modules over RPC. Each must prove to be the one of its tenant; what they answer is
/// passed on, and believed by hosts only.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "rpc/client.h"
#include "services/orchestrator/domain/ports.h"

namespace sealift::orchestrator {

class SecurityModuleChannels final : public SecurityModules {
 public:
  SecurityModuleChannels(std::shared_ptr<rpc::Credentials> credentials, std::chrono::milliseconds timeout)
      : credentials_{std::move(credentials)}, timeout_{timeout} {}

  Result<v1::RequestAuthorizationResponse> request_authorization(
      const std::string& address, const v1::RequestAuthorizationRequest& request) override;
  Result<v1::AnswerQuestionResponse> answer_question(const std::string& address,
                                                     const v1::AnswerQuestionRequest& request) override;

 private:
  Result<std::shared_ptr<rpc::Channel>> channel(const std::string& address, const std::string& tenant);

  const std::shared_ptr<rpc::Credentials> credentials_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<rpc::Channel>> channels_;  // by tenant and address
};

}  // namespace sealift::orchestrator
