// SPDX-License-Identifier: Apache-2.0
/// The cloud as real processes, with a relay that reads and alters on every way between them: customer, front
/// end, orchestrator, host agent, security module. The customer's own way to their security module is theirs
/// alone.
#pragma once

#include <map>

#include "cli/dev/supervisor.h"
#include "rpc/testing/world.h"
#include "tests/e2e/chain_for_test.h"
#include "tests/e2e/mini_image_for_test.h"
#include "tests/e2e/relay_for_test.h"

namespace sealift::e2e {

/// Which way a message takes, by who serves there.
enum class Door { front_end, zone, host, security_module };

class DoubledCloud {
 public:
  using MeddleAt = std::function<void(Door door, const std::string& method, Direction direction,
                                      google::protobuf::Message& message)>;
  explicit DoubledCloud(MeddleAt meddle);
  DoubledCloud(const DoubledCloud&) = delete;
  DoubledCloud& operator=(const DoubledCloud&) = delete;
  ~DoubledCloud();

  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  /// --cloud, --root, --intermediate and --reference for the customer's tool.
  Words words(Words command) const;
  /// The front end itself, with no relay before it.
  const std::string& frontend() const { return frontend_; }
  std::filesystem::path tenant() { return pki_.files(rpc::Role::tenant, "acme"); }
  /// How the rightful caller reaches a service itself.
  struct Way {
    std::string address;
    std::shared_ptr<rpc::Credentials> credentials;
    rpc::Identity server;
  };
  Way way_to(const std::string& service);
  /// The processes of the services, by name.
  std::map<std::string, pid_t> processes() const;
  /// Another security module in place of the present one, which knows no seed and no host.
  void renew_security_module();
  /// The agent is killed, starts again and registers again.
  void restart_agent();

 private:
  std::string start(const std::string& service, rpc::Role role, const std::string& name, Words options);
  void make_insertion_key();
  void start_security_module();
  void start_agent();
  void watch();
  void write_cloud_file() const;
  Meddle meddle_at(Door door) const;

  MeddleAt meddle_;
  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-doubles").value();
  rpc::testing::World pki_;
  cli::Supervisor services_{directory_.path()};
  std::map<Door, std::unique_ptr<RelayForTest>> relays_;
  std::string orchestrator_;
  std::string frontend_;
  std::string security_module_;
  int security_modules_ = 0;
  std::jthread watch_;  // starts again what ends
};

}  // namespace sealift::e2e
