// SPDX-License-Identifier: Apache-2.0
// Over real TLS, with certificates of every role.
#include "services/securitymodule/adapters/service.h"

#include "rpc/testing/world.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using rpc::Role;
using rpc::testing::World;

constexpr auto kPut = "sealift.v1.SeedService.PutSeed";
constexpr auto kList = "sealift.v1.SeedService.ListSeeds";
constexpr auto kDelete = "sealift.v1.SeedService.DeleteSeed";
constexpr auto kHosts = "sealift.v1.SeedService.ListEnrolledHosts";
constexpr auto kRequest = "sealift.v1.AuthorizationService.RequestAuthorization";
constexpr auto kAnswer = "sealift.v1.AuthorizationService.AnswerQuestion";

v1::PutSeedRequest put_request(std::uint8_t seed = 1) {
  v1::PutSeedRequest request;
  request.set_image_id(kImage);
  request.set_seed(std::string(esm::kSeedSize, static_cast<char>(seed)));
  *request.mutable_policy() = policy_for_test();
  return request;
}

v1::RequestAuthorizationRequest authorization_request(const std::string& tenant = kTenant) {
  v1::RequestAuthorizationRequest request;
  request.set_tenant(tenant);
  request.set_image_id(kImage);
  request.set_tee("measured");
  request.set_evidence(text_of(tee::host().evidence()));
  return request;
}

class ServiceTest : public SecurityModuleTest {
 protected:
  ServiceTest() {
    rpc::Router router;
    register_methods(router, sm, rpc::testing::kDomain, PlainInsertion::insecurely_allow);
    rpc::ServerOptions options;
    options.credentials = world_.credentials(Role::security_module, kTenant);
    server_ = world_.serve(std::move(options), std::move(router));
  }

  std::unique_ptr<rpc::Channel> channel_of(std::shared_ptr<rpc::Credentials> credentials) {
    return rpc::Channel::create({.address = "127.0.0.1:" + std::to_string(server_->port()),
                                 .credentials = std::move(credentials),
                                 .server = World::identity(Role::security_module, kTenant)})
        .value();
  }
  std::unique_ptr<rpc::Channel> as(Role role, const std::string& name = {}) {
    return channel_of(world_.credentials(role, name));
  }

  World world_;
  std::unique_ptr<rpc::Server> server_;
};

TEST_F(ServiceTest, ServesTenantsAndOrchestratorsFromSeedToSealedData) {
  const auto tenant = as(Role::tenant, kTenant);
  const auto orchestrator = as(Role::orchestrator);
  ASSERT_THAT(tenant->call<v1::PutSeedResponse>(kPut, put_request()), Succeeds());
  const auto asked = orchestrator->call<v1::RequestAuthorizationResponse>(kRequest, authorization_request());
  ASSERT_THAT(asked, Succeeds());
  v1::AnswerQuestionRequest answer;
  answer.set_tenant(kTenant);
  answer.set_image_id(kImage);
  answer.set_question_id(asked->question().question_id());
  answer.set_answer(text_of(answer_of(tee::host(), asked->question())));
  const auto sealed = orchestrator->call<v1::AnswerQuestionResponse>(kAnswer, answer);
  ASSERT_THAT(sealed, Succeeds());
  EXPECT_THAT(orchestrator->call<v1::AnswerQuestionResponse>(kAnswer, answer),
              FailsWith(ErrorCode::challenge_used));
  const auto again = orchestrator->call<v1::RequestAuthorizationResponse>(kRequest, authorization_request());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->sealed_data().SerializeAsString(), sealed->sealed_data().SerializeAsString());
  const auto seeds = tenant->call<v1::ListSeedsResponse>(kList, v1::ListSeedsRequest{});
  ASSERT_THAT(seeds, Succeeds());
  EXPECT_EQ(seeds->seeds(0).authorizations(), 1U);
  EXPECT_EQ(tenant->call<v1::ListEnrolledHostsResponse>(kHosts, v1::ListEnrolledHostsRequest{})->hosts_size(),
            1);
  v1::DeleteSeedRequest remove;
  remove.set_image_id(kImage);
  EXPECT_THAT(tenant->call<v1::DeleteSeedResponse>(kDelete, remove), Succeeds());
  EXPECT_THAT(orchestrator->call<v1::RequestAuthorizationResponse>(kRequest, authorization_request()),
              FailsAt(ErrorCode::not_found, "image_id"));
}

TEST_F(ServiceTest, RefusesEveryMethodToEveryOtherRole) {
  const std::vector<std::pair<Role, std::string>> everybody{
      {Role::tenant, kTenant},          {Role::frontend, ""},  {Role::orchestrator, ""},
      {Role::security_module, kTenant}, {Role::host, "alpha"}, {Role::administrator, ""}};
  for (const auto& [role, name] : everybody) {
    SCOPED_TRACE(rpc::role_name(role));
    const auto channel = as(role, name);
    const auto refused = [](const auto& result) {
      return !result && result.error().code == ErrorCode::permission_denied;
    };
    const bool tenant = role == Role::tenant;
    const bool orchestrator = role == Role::orchestrator;
    EXPECT_EQ(refused(channel->call<v1::PutSeedResponse>(kPut, v1::PutSeedRequest{})), !tenant);
    EXPECT_EQ(refused(channel->call<v1::ListSeedsResponse>(kList, v1::ListSeedsRequest{})), !tenant);
    EXPECT_EQ(refused(channel->call<v1::DeleteSeedResponse>(kDelete, v1::DeleteSeedRequest{})), !tenant);
    EXPECT_EQ(refused(channel->call<v1::ListEnrolledHostsResponse>(kHosts, v1::ListEnrolledHostsRequest{})),
              !tenant);
    EXPECT_EQ(refused(channel->call<v1::RequestAuthorizationResponse>(kRequest, authorization_request())),
              !orchestrator);
    v1::AnswerQuestionRequest answer;
    answer.set_tenant(kTenant);
    EXPECT_EQ(refused(channel->call<v1::AnswerQuestionResponse>(kAnswer, answer)), !orchestrator);
  }
}

TEST_F(ServiceTest, TakesTheTenantFromTheCertificate) {
  const auto one = as(Role::tenant, kTenant);
  const auto other = as(Role::tenant, kOtherTenant);
  ASSERT_THAT(one->call<v1::PutSeedResponse>(kPut, put_request(1)), Succeeds());
  EXPECT_EQ(other->call<v1::ListSeedsResponse>(kList, v1::ListSeedsRequest{})->seeds_size(), 0);
  EXPECT_THAT(other->call<v1::PutSeedResponse>(kPut, put_request(2)), Succeeds());
  EXPECT_THAT(one->call<v1::PutSeedResponse>(kPut, put_request(2)),
              FailsAt(ErrorCode::already_exists, "seed"));
}

TEST_F(ServiceTest, ServesNoTenantItWasNotToldOf) {
  const auto stranger = as(Role::tenant, "initech");
  EXPECT_THAT(stranger->call<v1::PutSeedResponse>(kPut, put_request()),
              FailsAt(ErrorCode::permission_denied, "tenant"));
  const auto orchestrator = as(Role::orchestrator);
  EXPECT_THAT(
      orchestrator->call<v1::RequestAuthorizationResponse>(kRequest, authorization_request("initech")),
      FailsAt(ErrorCode::permission_denied, "tenant"));
}

TEST_F(ServiceTest, LetsNoOtherTrustDomainNameItsTenants) {
  // The cloud's own domain is trusted, for its orchestrators.
  const auto pki = world_.path() / "cloud-pki";
  const auto out = world_.path() / "cloud-tenant";
  const auto now = SystemClock{}.now();
  ASSERT_THAT(rpc::create_pki(pki, "cloud.test", now), Succeeds());
  ASSERT_THAT(rpc::issue_credentials(pki, Role::tenant, kTenant, out, now), Succeeds());
  rpc::Router router;
  register_methods(router, sm, rpc::testing::kDomain, PlainInsertion::insecurely_allow);
  auto files = rpc::credential_files(world_.files(Role::security_module, kTenant)).value();
  auto cloud = rpc::credential_files(out).value();
  files.trust.push_back(cloud.trust.front());
  cloud.trust.push_back(files.trust.front());
  rpc::ServerOptions options;
  options.credentials = rpc::Credentials::load(files).value();
  server_ = world_.serve(std::move(options), std::move(router));
  const auto impostor = channel_of(rpc::Credentials::load(cloud).value());
  EXPECT_THAT(impostor->call<v1::ListSeedsResponse>(kList, v1::ListSeedsRequest{}),
              FailsAt(ErrorCode::permission_denied, "trust_domain"));
  EXPECT_THAT(impostor->call<v1::PutSeedResponse>(kPut, put_request()),
              FailsAt(ErrorCode::permission_denied, "trust_domain"));
}

TEST_F(ServiceTest, TakesAPolicyAsLargeAsAllowedAndNoLarger) {
  const auto tenant = as(Role::tenant, kTenant);
  auto request = put_request();
  request.mutable_policy()->add_crls(std::string(kMaxPolicySize, 'x'));
  EXPECT_THAT(tenant->call<v1::PutSeedResponse>(kPut, request), FailsAt(ErrorCode::too_large, "policy"));
  request.mutable_policy()->add_crls(std::string(3 * kMaxPolicySize, 'x'));
  EXPECT_THAT(tenant->call<v1::PutSeedResponse>(kPut, request), FailsAt(ErrorCode::too_large, "body"));
}

TEST(ServiceHandlerTest, LeavesNoSeedInTheRequest) {
  // What the domain gets is tested there; this is about the message that the RPC server holds.
  TemporaryDirectory directory = TemporaryDirectory::create().value();
  FakeClock clock{test_pki::now()};
  LogForTest log;
  ReplicaForTest replica{"sqlite:" + (directory.path() / "keys.db").string(), clock, log};
  rpc::Router router;
  register_methods(router, replica.sm, rpc::testing::kDomain, PlainInsertion::insecurely_allow);
  const auto* const method = router.find("/sealift.v1.SeedService/PutSeed");
  ASSERT_NE(method, nullptr);
  auto request = put_request();
  v1::PutSeedResponse response;
  const auto call = rpc::Call::for_test(World::identity(Role::tenant, kTenant));
  EXPECT_THAT(method->unary(call, request, response), Succeeds());
  EXPECT_EQ(request.seed(), std::string(esm::kSeedSize, '\0'));
}

}  // namespace
}  // namespace sealift::securitymodule
