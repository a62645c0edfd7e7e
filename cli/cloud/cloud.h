// SPDX-License-Identifier: Apache-2.0
/// The cloud that a customer uses: where it is, and who the customer is there. One JSON file says both:
///
///   {"format": "sealift-cloud-v1", "credentials": "DIR",
///    "frontend": "HOST:PORT", "security_module": "HOST:PORT", "orchestrator": "HOST:PORT",
///    "security_module_proof": {"roots": ["our-ca.pem"]}}
///
/// `credentials` is a directory as `sealift pki issue` writes it, relative to the file. Replicas are
/// separated by commas. Addresses that a user has no business with are left out.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/command_line.h"
#include "rpc/client.h"
#include "tee/insertion_proof.h"

namespace sealift::cli {

/// --cloud, which every command that talks to one has.
struct CloudOptions {
  std::filesystem::path file;
};
void declare_cloud(Command& command, CloudOptions& options);

class Cloud {
 public:
  /// The file of --cloud, else $SEALIFT_CLOUD, else ~/.config/sealift/cloud.json.
  static Result<Cloud> open(const CloudOptions& options);

  /// Who the customer is: the tenant in the certificate.
  const std::string& tenant() const;
  bool has_frontend() const { return !addresses_.frontend.empty(); }
  /// A channel each; not_found where the file names no such address.
  Result<std::unique_ptr<rpc::Channel>> frontend() const;
  Result<std::unique_ptr<rpc::Channel>> security_module() const;
  Result<std::unique_ptr<rpc::Channel>> orchestrator() const;
  /// How the customer's security module proves itself (cloud/insertion.h); not_found where the file does not
  /// say.
  Result<tee::InsertionTrust> security_module_trust() const;

 private:
  struct Addresses {
    std::string frontend;
    std::string security_module;
    std::string orchestrator;
  };
  Cloud(Addresses addresses, std::shared_ptr<rpc::Credentials> credentials,
        std::optional<tee::InsertionTrust> trust)
      : addresses_{std::move(addresses)}, credentials_{std::move(credentials)}, trust_{std::move(trust)} {}
  Result<std::unique_ptr<rpc::Channel>> connect(const std::string& address, const char* what, rpc::Role role,
                                                const std::string& name) const;

  Addresses addresses_;
  std::shared_ptr<rpc::Credentials> credentials_;
  std::optional<tee::InsertionTrust> trust_;
};

}  // namespace sealift::cli
