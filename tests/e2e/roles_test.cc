// SPDX-License-Identifier: Apache-2.0
/// Every method of every service, tried by every role that it is not for, by a tenant of nobody, and by
/// strangers.
#include "tests/e2e/tenants_for_test.h"

namespace sealift::e2e {
namespace {

/// Who may call a service at all.
const std::map<std::string, Role>& callers() {
  static const std::map<std::string, Role> table{
      {"ImageService", Role::tenant},      {"LaunchService", Role::tenant},
      {"SeedService", Role::tenant},       {"HostSetService", Role::tenant},
      {"RevocationService", Role::tenant}, {"AuthorizationService", Role::orchestrator},
      {"ZoneService", Role::frontend},     {"InventoryService", Role::administrator},
      {"AuditService", Role::tenant},      {"HostService", Role::host}};
  return table;
}

TEST_F(Tenants, AndAllOthersAreHeldToTheirRole) {
  const std::vector<std::pair<Role, std::string>> everybody{
      {Role::tenant, "umbrella"},      {Role::frontend, ""},   {Role::orchestrator, ""},
      {Role::security_module, "acme"}, {Role::host, "host-9"}, {Role::administrator, ""}};
  for (const auto& [role, name] : everybody) {
    const auto as = credentials(role, name);
    for (const auto& [service, allowed] : callers()) {
      if (role == allowed) continue;
      const auto door = to(service, as);
      const auto expect_denied = [&](const char* of, const Status& status) {
        EXPECT_THAT(status, FailsWith(ErrorCode::permission_denied)) << of << " by " << rpc::role_name(role);
      };
#define SEALIFT_TRY_UNARY(its, method, request, response) \
  if (service == #its)                                    \
    expect_denied(#its "." #method, unary<v1::response>(*door, #its "." #method, v1::request{}));
#define SEALIFT_TRY_STREAM(its, method, request, response) \
  if (service == #its)                                     \
    expect_denied(#its "." #method, stream<v1::response>(*door, #its "." #method, v1::request{}));
      SEALIFT_METHODS(SEALIFT_TRY_UNARY, SEALIFT_TRY_STREAM)
#undef SEALIFT_TRY_UNARY
#undef SEALIFT_TRY_STREAM
    }
  }
}

TEST_F(Tenants, OfNobodyHaveNothing) {
  const auto nobody = credentials(Role::tenant, "nobody");
  const auto door = to("LaunchService", nobody);
  for (const auto& row : customers_rows()) expect_nothing_revealed(row, *door, acme_);
  // Nor has one whom another's security module does not serve.
  for (const auto& as : {nobody, std::filesystem::path{cloud_.path("credentials/tenant-umbrella")}}) {
    const auto seeds = to("SeedService", as);
    EXPECT_THAT(unary<v1::ListSeedsResponse>(*seeds, "SeedService.ListSeeds", v1::ListSeedsRequest{}),
                FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(unary<v1::ListEnrolledHostsResponse>(*seeds, "SeedService.ListEnrolledHosts",
                                                     v1::ListEnrolledHostsRequest{}),
                FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(unary<v1::PutSeedResponse>(*seeds, "SeedService.PutSeed", v1::PutSeedRequest{}),
                FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(
        unary<v1::BeginInsertionResponse>(*seeds, "SeedService.BeginInsertion", v1::BeginInsertionRequest{}),
        FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(unary<v1::InsertSeedResponse>(*seeds, "SeedService.InsertSeed", v1::InsertSeedRequest{}),
                FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(unary<v1::ExportLogResponse>(*seeds, "AuditService.ExportLog", v1::ExportLogRequest{}),
                FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(unary<v1::ListRevocationsResponse>(*seeds, "RevocationService.ListRevocations",
                                                   v1::ListRevocationsRequest{}),
                FailsWith(ErrorCode::permission_denied));
    EXPECT_THAT(unary<v1::ListSetsResponse>(*seeds, "HostSetService.ListSets", v1::ListSetsRequest{}),
                FailsWith(ErrorCode::permission_denied));
    for (const auto& row : set_rows())
      EXPECT_THAT(row.attempt(*seeds, acme_), FailsWith(ErrorCode::permission_denied)) << row.method;
    for (const auto& row : seed_rows())
      EXPECT_THAT(row.attempt(*seeds, acme_), FailsWith(ErrorCode::permission_denied)) << row.method;
  }
  const auto orchestrator = to("AuthorizationService", cloud_.path("credentials/orchestrator"));
  for (const auto& row : orchestrators_rows())
    EXPECT_THAT(row.attempt(*orchestrator, acme_), FailsWith(ErrorCode::permission_denied)) << row.method;
}

TEST_F(Tenants, WithoutACertificateOfThisCloudAreNotHeard) {
  // Another CA that calls itself by the same name.
  ASSERT_THAT(rpc::create_pki(directory_.path() / "pki", "dev.sealift.example", SystemClock{}.now()),
              Succeeds());
  const auto forged = directory_.path() / "forged";
  ASSERT_THAT(
      rpc::issue_credentials(directory_.path() / "pki", Role::tenant, "acme", forged, SystemClock{}.now()),
      Succeeds());
  std::filesystem::copy_file(cloud_.path("credentials/tenant-acme/ca.pem"), forged / "ca.pem",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy_file(cloud_.path("credentials/tenant-acme/crl.pem"), forged / "crl.pem",
                             std::filesystem::copy_options::overwrite_existing);
  for (const auto* service : {"LaunchService", "SeedService", "ZoneService"}) {
    const auto door = to(service, forged);
    const auto refused =
        unary<v1::ListLaunchesResponse>(*door, "LaunchService.ListLaunches", v1::ListLaunchesRequest{});
    EXPECT_FALSE(refused) << service;
    EXPECT_NE(refused.error().code, ErrorCode::internal);
  }
  // And with none at all, by a client that is not ours.
  for (const auto& address :
       {cloud_.description().value("frontend", ""), orchestrator(), security_module(0)}) {
    Command curl;
    curl.argv = {"curl",
                 "--silent",
                 "--cacert",
                 cloud_.path("credentials/tenant-acme/ca.pem"),
                 "--header",
                 "Content-Type: application/json",
                 "--data",
                 "{}",
                 "https://" + address + "/sealift.v1.HealthService/Check"};
    const auto output = run(curl).value();
    EXPECT_NE(output.exit_status, 0) << address;
    EXPECT_EQ(output.out, "") << address;
  }
}

}  // namespace
}  // namespace sealift::e2e
