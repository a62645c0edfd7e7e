// SPDX-License-Identifier: Apache-2.0
/// A cloud with tenants acme, umbrella and hooli, and what acme has in it.
#pragma once

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "rpc/pki.h"
#include "tests/e2e/cloud_for_test.h"
#include "tests/e2e/customer_for_test.h"
#include "tests/e2e/foreign_things_for_test.h"
#include "tests/e2e/mini_image_for_test.h"

namespace sealift::e2e {

using rpc::Role;

/// The cloud and what acme has in it, for all tests.
class Stage {
 public:
  Stage() {
    Words words{image_.directory(), "--seed", image_.seed_file()};
    const auto approval = cloud_.approval();
    words.insert(words.end(), approval.begin(), approval.end());
    const auto launched = cloud_.launch(words);
    EXPECT_EQ(launched.exit_status, 0) << launched.error;
    acme_.launch = launched.id();
    acme_.image = image_.id();
    acme_.quote = quote();
    acme_.waiting = waiting_launch();
    acme_.command = acme_.launch + "/1/start";
    acme_.host = enrolled_host();
    put_set();
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    EXPECT_TRUE(customer_.stop(acme_.launch));
    EXPECT_TRUE(customer_.stop(acme_.waiting));
  }

  std::string quote() {
    v1::GetQuoteRequest request;
    request.set_image_id(image_.id());
    return customer_.channel().call<v1::Quote>("sealift.v1.LaunchService.GetQuote", request)->quote_id();
  }
  std::string waiting_launch() {
    v1::CreateLaunchRequest request;
    request.set_quote_id(quote());
    request.set_idempotency_key("waits");
    request.set_key_model(v1::KEY_MODEL_KEEP);
    const auto launch =
        customer_.channel().call<v1::Launch>("sealift.v1.LaunchService.CreateLaunch", request).value();
    customer_.wait_for(launch.launch_id(), {v1::Launch::STATE_AWAITING_CUSTOMER});
    return launch.launch_id();
  }

  std::unique_ptr<rpc::Channel> security_module() const {
    const auto options = [this] {
      rpc::ChannelOptions made;
      made.address = cloud_.description().at("tenants").at(0).at("security_module");
      made.credentials =
          rpc::Credentials::load(rpc::credential_files(cloud_.path("credentials/tenant-acme")).value())
              .value();
      made.server = {made.credentials->identity().trust_domain, Role::security_module, "acme"};
      return made;
    };
    return rpc::Channel::create(options()).value();
  }
  std::string enrolled_host() const {
    const auto hosts = security_module()->call<v1::ListEnrolledHostsResponse>(
        "sealift.v1.SeedService.ListEnrolledHosts", v1::ListEnrolledHostsRequest{});
    return hosts->hosts(0).storage_key_name();
  }
  void put_set() const {
    v1::PutSetRequest fleet;
    fleet.mutable_set()->set_name("fleet");
    fleet.mutable_set()->add_hosts(acme_.host);
    EXPECT_THAT(security_module()->call<v1::HostSet>("sealift.v1.HostSetService.PutSet", fleet), Succeeds());
  }

  const CloudForTest cloud_{
      {"--hosts", "1", "--tenant", "acme", "--tenant", "umbrella", "--tenant", "hooli"}};
  const TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-tenants").value();
  const MiniImage image_{directory_.path()};
  const CustomerForTest customer_{cloud_.path("credentials/tenant-acme"),
                                  cloud_.description().value("frontend", "")};
  Things acme_;
};

class Tenants : public testing::Test {
 protected:
  static void SetUpTestSuite() { stage_ = new Stage; }
  static void TearDownTestSuite() { delete stage_; }

  /// Credentials of the cloud's own PKI, for anybody.
  std::filesystem::path credentials(Role role, const std::string& name = {}) const {
    auto folder = directory_.path() / (std::string{rpc::role_name(role)} + "-" + name);
    if (std::filesystem::exists(folder)) return folder;
    EXPECT_THAT(rpc::issue_credentials(cloud_.path("pki"), role, name, folder, SystemClock{}.now()),
                Succeeds());
    return folder;
  }
  static std::unique_ptr<rpc::Channel> channel(const std::filesystem::path& as, const std::string& address,
                                               Role role, const std::string& name = {}) {
    rpc::ChannelOptions options;
    options.address = address;
    options.credentials = rpc::Credentials::load(rpc::credential_files(as).value()).value();
    options.server = {options.credentials->identity().trust_domain, role, name};
    return rpc::Channel::create(std::move(options)).value();
  }
  std::string orchestrator() const { return cloud_.description().at("orchestrators").at(0); }
  std::string security_module(std::size_t tenant) const {
    return cloud_.description().at("tenants").at(tenant).at("security_module");
  }
  /// A way to the server of that service, as `as`.
  std::unique_ptr<rpc::Channel> to(const std::string& service, const std::filesystem::path& as) const {
    if (service == "ImageService" || service == "LaunchService")
      return channel(as, cloud_.description().value("frontend", ""), Role::frontend);
    if (service == "SeedService" || service == "AuditService" || service == "RevocationService" ||
        service == "HostSetService" || service == "AuthorizationService")
      return channel(as, security_module(0), Role::security_module, "acme");
    return channel(as, orchestrator(), Role::orchestrator);
  }

  static inline Stage* stage_ = nullptr;
  const CloudForTest& cloud_ = stage_->cloud_;
  const TemporaryDirectory& directory_ = stage_->directory_;
  const MiniImage& image_ = stage_->image_;
  const CustomerForTest& customer_ = stage_->customer_;
  const Things& acme_ = stage_->acme_;
};
/// The same answer as for what never was, with nothing of acme in it.
inline void expect_nothing_revealed(const Row& row, rpc::Channel& channel, const Things& theirs) {
  SCOPED_TRACE(row.method);
  const auto refused = row.attempt(channel, theirs);
  const auto never = row.attempt(channel, kNever);
  ASSERT_THAT(refused, FailsWith(ErrorCode::not_found));
  ASSERT_THAT(never, FailsWith(ErrorCode::not_found));
  EXPECT_EQ(refused.error().message, never.error().message);
  EXPECT_EQ(refused.error().field, never.error().field);
  EXPECT_EQ(refused.error().message.find("acme"), std::string::npos);
}

}  // namespace sealift::e2e
