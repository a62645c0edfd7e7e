// SPDX-License-Identifier: Apache-2.0
/// Tenant umbrella at tenant acme's images, launches, quotes and seeds, host-2 at host-1's. A method that is
/// added fails here until it has a row.
#include "cli/cloud/insertion.h"
#include "crypto/digest.h"
#include "tests/e2e/tenants_for_test.h"

namespace sealift::e2e {
namespace {

std::string content_of(const std::string& path) {
  return std::string{as_text(read_file(path, 1U << 20U).value())};
}

TEST_F(Tenants, FindNothingOfOneAnother) {
  const auto umbrella = cloud_.path("credentials/tenant-umbrella");
  const auto before = customer_.events(acme_.launch).value().size();
  const auto door = to("LaunchService", umbrella);
  for (const auto& row : customers_rows()) expect_nothing_revealed(row, *door, acme_);
  const auto zone = to("ZoneService", cloud_.path("credentials/frontend"));
  for (const auto& row : front_ends_rows()) expect_nothing_revealed(row, *zone, acme_);
  const auto host = to("HostService", credentials(Role::host, "host-2"));
  for (const auto& row : hosts_rows()) expect_nothing_revealed(row, *host, acme_);
  const auto sm =
      channel(cloud_.path("credentials/orchestrator"), security_module(1), Role::security_module, "umbrella");
  for (const auto& row : orchestrators_rows()) expect_nothing_revealed(row, *sm, acme_);
  const auto seeds = channel(umbrella, security_module(1), Role::security_module, "umbrella");
  for (const auto& row : set_rows()) expect_nothing_revealed(row, *seeds, acme_);
  for (const auto& row : sealed_rows()) {
    EXPECT_THAT(row.attempt(*door, acme_), Succeeds());
    EXPECT_THAT(row.attempt(*door, kNever), Succeeds());
  }
  for (const auto& row : seed_rows()) {
    // To remove or revoke what is not there is no fault.
    EXPECT_THAT(row.attempt(*seeds, acme_), Succeeds());
    EXPECT_THAT(row.attempt(*seeds, kNever), Succeeds());
  }

  EXPECT_EQ(state_text(customer_.get(acme_.launch)->state()), "STATE_RUNNING");
  EXPECT_EQ(state_text(customer_.get(acme_.waiting)->state()), "STATE_AWAITING_CUSTOMER");
  EXPECT_EQ(customer_.events(acme_.launch).value().size(), before);
  EXPECT_EQ(cli::sealift_json(cloud_.words({"images"})).at("images").size(), 1U);
  EXPECT_EQ(cli::sealift_json(cloud_.words({"seed", "list"})).at("seeds").size(), 1U);
  EXPECT_EQ(cli::sealift_json(cloud_.words({"revoke", "list"})).at("revocations").size(), 0U);
  EXPECT_EQ(stage_->enrolled_host(), acme_.host);
  EXPECT_EQ(cli::sealift_json(cloud_.words({"set", "list"})).at("sets").size(), 1U);
}

TEST_F(Tenants, HaveListsOfTheirOwn) {
  const auto umbrella = cloud_.path("credentials/tenant-umbrella");
  const auto door = to("LaunchService", umbrella);
  const auto launches = door->call<v1::ListLaunchesResponse>("sealift.v1.LaunchService.ListLaunches",
                                                             v1::ListLaunchesRequest{});
  EXPECT_EQ(launches->ByteSizeLong(), 0U);
  v1::ListUsageRequest period;
  period.set_to_ms(1LL << 50);
  const auto usage = door->call<v1::ListUsageResponse>("sealift.v1.LaunchService.ListUsage", period);
  EXPECT_EQ(usage->ByteSizeLong(), 0U);
  EXPECT_EQ(door->call<v1::ListSealedHeadsResponse>("sealift.v1.ImageService.ListSealedHeads",
                                                    v1::ListSealedHeadsRequest{})
                ->ByteSizeLong(),
            0U);
  const auto images =
      door->call<v1::ListImagesResponse>("sealift.v1.ImageService.ListImages", v1::ListImagesRequest{});
  EXPECT_EQ(images->ByteSizeLong(), 0U);

  const auto zone = to("ZoneService", cloud_.path("credentials/frontend"));
  EXPECT_EQ(zone->call<v1::ListLaunchesResponse>(
                    "sealift.v1.ZoneService.ListLaunches",
                    for_umbrella<v1::ZoneListLaunchesRequest>(v1::ListLaunchesRequest{}))
                ->ByteSizeLong(),
            0U);
  EXPECT_EQ(zone->call<v1::ListUsageResponse>("sealift.v1.ZoneService.ListUsage",
                                              for_umbrella<v1::ZoneListUsageRequest>(period))
                ->ByteSizeLong(),
            0U);

  const auto seeds = channel(umbrella, security_module(1), Role::security_module, "umbrella");
  EXPECT_EQ(seeds->call<v1::ListSeedsResponse>("sealift.v1.SeedService.ListSeeds", v1::ListSeedsRequest{})
                ->ByteSizeLong(),
            0U);
  EXPECT_EQ(seeds
                ->call<v1::ListEnrolledHostsResponse>("sealift.v1.SeedService.ListEnrolledHosts",
                                                      v1::ListEnrolledHostsRequest{})
                ->ByteSizeLong(),
            0U);
  const auto hooli =
      channel(cloud_.path("credentials/tenant-hooli"), security_module(2), Role::security_module, "hooli");
  EXPECT_EQ(hooli
                ->call<v1::ListRevocationsResponse>("sealift.v1.RevocationService.ListRevocations",
                                                    v1::ListRevocationsRequest{})
                ->ByteSizeLong(),
            0U);
  EXPECT_EQ(seeds->call<v1::ListSetsResponse>("sealift.v1.HostSetService.ListSets", v1::ListSetsRequest{})
                ->ByteSizeLong(),
            0U);
  const auto log =
      seeds->call<v1::ExportLogResponse>("sealift.v1.AuditService.ExportLog", v1::ExportLogRequest{});
  ASSERT_THAT(log, Succeeds());
  EXPECT_EQ(log->SerializeAsString().find("acme"), std::string::npos);
}

// Who knows a digest, an id or a key has neither the bytes nor the launch that go with it.
TEST_F(Tenants, GetNothingByNamingItTheSame) {
  const auto hooli = cloud_.path("credentials/tenant-hooli");
  const auto door = to("ImageService", hooli);
  v1::CreateImageRequest same;
  const auto content = [&](const char* file) { return content_of(image_.directory() + "/" + file); };
  same.set_manifest(content("manifest.json"));
  const auto body = image_.initramfs_body().size();
  const auto initramfs = content("initramfs");
  same.set_head(initramfs.substr(0, initramfs.size() - body));
  same.set_cmdline(image_.cmdline());
  const auto image = door->call<v1::Image>("sealift.v1.ImageService.CreateImage", same);
  ASSERT_THAT(image, Succeeds());
  EXPECT_EQ(image->state(), v1::Image::STATE_UPLOADING);
  for (const auto& file : image->files()) {
    EXPECT_EQ(file.received(), 0U) << file.name();
    EXPECT_FALSE(file.complete()) << file.name();
  }
  EXPECT_THAT(customers_rows()[3].attempt(*door, acme_), FailsWith(ErrorCode::failed_precondition))
      << "a quote for an image that is not complete";

  const auto seeds = channel(hooli, security_module(2), Role::security_module, "hooli");
  v1::PutSeedRequest seed;
  seed.set_image_id(acme_.image);
  seed.set_seed(std::string(32, 's'));
  const auto kept =
      channel(cloud_.path("credentials/tenant-acme"), security_module(0), Role::security_module, "acme")
          ->call<v1::ListSeedsResponse>("sealift.v1.SeedService.ListSeeds", v1::ListSeedsRequest{});
  ASSERT_EQ(kept->seeds_size(), 1);
  *seed.mutable_policy() = kept->seeds(0).policy();
  // It is hooli's own seed of an image of that name; acme's stays as it is.
  const auto proof = cli::Json::parse(content_of(cloud_.path("hooli.json"))).at("security_module_proof");
  const auto trust = cli::read_insertion_trust(proof, cloud_.path("."));
  ASSERT_THAT(trust, Succeeds());
  EXPECT_THAT(cli::insert_seed(*seeds, "hooli", *trust, seed, SystemClock{}), Succeeds());
  const auto again = cloud_.launch({image_.id()});
  EXPECT_EQ(again.exit_status, 0) << again.error;
  EXPECT_EQ(cloud_.stop(again.id()).value("state", ""), "ended");
}

TEST(EveryMethod, IsTriedOnSomebodyElsesThings) {
  auto tried = naming_nothing();
  for (const auto& rows : {customers_rows(), front_ends_rows(), hosts_rows(), orchestrators_rows(),
                           seed_rows(), set_rows(), sealed_rows()}) {
    for (const auto& row : rows) EXPECT_TRUE(tried.insert(row.method).second) << row.method;
  }
  EXPECT_EQ(tried, methods_of_the_api());
  EXPECT_EQ(methods_of_the_table(), methods_of_the_api());
}

}  // namespace
}  // namespace sealift::e2e
