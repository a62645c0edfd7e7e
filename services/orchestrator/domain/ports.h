// SPDX-License-Identifier: Apache-2.0
/// What the orchestrator's domain needs of the world.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "sealift/v1/hosts.pb.h"
#include "sealift/v1/security_module.pb.h"
#include "sealift/v1/zone.pb.h"

namespace sealift::orchestrator {

/// The tenants' security modules. unavailable or timeout where one does not answer: worth another try.
class SecurityModules {
 public:
  virtual ~SecurityModules() = default;
  virtual Result<v1::RequestAuthorizationResponse> request_authorization(
      const std::string& address, const v1::RequestAuthorizationRequest& request) = 0;
  virtual Result<v1::AnswerQuestionResponse> answer_question(const std::string& address,
                                                             const v1::AnswerQuestionRequest& request) = 0;
};

/// The hosts whose stream of commands comes from this replica.
class ConnectedHosts {
 public:
  virtual ~ConnectedHosts() = default;
  virtual bool has(const std::string& host_id) = 0;
  /// False where the host is none of them, or reads too slowly.
  virtual bool send(const std::string& host_id, const v1::Command& command) = 0;
};

/// Where images and heads lie.
class Objects {
 public:
  virtual ~Objects() = default;
  /// Keeps the head archive of one instance, and says where a host finds it.
  virtual Result<v1::ObjectLocation> put_head(const std::string& launch_id, ByteView head) = 0;
  virtual void remove_head(const std::string& launch_id) = 0;
  /// A head that was sealed ahead, by its name.
  virtual Result<Bytes> read_head(const std::string& name, std::size_t size) = 0;
  virtual Result<v1::ObjectLocation> locate(const v1::ObjectReference& object) = 0;
};

}  // namespace sealift::orchestrator
