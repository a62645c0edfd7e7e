// SPDX-License-Identifier: Apache-2.0
#include "services/orchestrator/adapters/security_module_channels.h"

namespace sealift::orchestrator {
namespace {

constexpr std::size_t kMaxChannels = 1024;

}  // namespace

Result<std::shared_ptr<rpc::Channel>> SecurityModuleChannels::channel(const std::string& address,
                                                                      const std::string& tenant) {
  SEALIFT_TRY(const auto server,
              rpc::make_identity(credentials_->identity().trust_domain, rpc::Role::security_module, tenant));
  const std::lock_guard lock{mutex_};
  const auto name = tenant + "@" + address;
  if (const auto found = channels_.find(name); found != channels_.end()) return found->second;
  rpc::ChannelOptions options;
  options.address = address;
  options.credentials = credentials_;
  options.server = server;
  SEALIFT_TRY(std::shared_ptr<rpc::Channel> made, rpc::Channel::create(std::move(options)));
  if (channels_.size() >= kMaxChannels) channels_.clear();  // calls that run keep theirs
  channels_.emplace(name, made);
  return made;
}

Result<v1::RequestAuthorizationResponse> SecurityModuleChannels::request_authorization(
    const std::string& address, const v1::RequestAuthorizationRequest& request) {
  SEALIFT_TRY(const auto security_module, channel(address, request.tenant()));
  return security_module->call<v1::RequestAuthorizationResponse>(
      "sealift.v1.AuthorizationService.RequestAuthorization", request, {.timeout = timeout_});
}

Result<v1::AnswerQuestionResponse> SecurityModuleChannels::answer_question(
    const std::string& address, const v1::AnswerQuestionRequest& request) {
  SEALIFT_TRY(const auto security_module, channel(address, request.tenant()));
  return security_module->call<v1::AnswerQuestionResponse>("sealift.v1.AuthorizationService.AnswerQuestion",
                                                           request, {.timeout = timeout_});
}

}  // namespace sealift::orchestrator
