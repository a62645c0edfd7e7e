// SPDX-License-Identifier: Apache-2.0
/// Every method of every service, tried by those whom it is not for: tenant umbrella at tenant acme's images,
/// launches, quotes and seeds, host-2 at host-1's, every role at every service, and strangers. A method that
/// is added fails here until it has a row.
#include <gmock/gmock.h>

#include "base/matchers.h"
#include "cli/cloud/insertion.h"
#include "crypto/digest.h"
#include "rpc/pki.h"
#include "tests/e2e/cloud_for_test.h"
#include "tests/e2e/customer_for_test.h"
#include "tests/e2e/methods_for_test.h"
#include "tests/e2e/mini_image_for_test.h"

namespace sealift::e2e {
namespace {

using rpc::Role;

/// What a tenant has; or what nobody has.
struct Things {
  std::string launch;   ///< runs
  std::string waiting;  ///< awaits its customer
  std::string image;
  std::string quote;
  std::string command;  ///< a host's
  std::string host;     ///< name of the storage key of one where it runs
};

const Things kNever{"0192f3c1-0000-7000-8000-000000000000",
                    "0192f3c1-0000-7000-8000-000000000001",
                    "0123456789abcdef0123456789abcdef",
                    "0192f3c1-0000-7000-8000-000000000002",
                    "0192f3c1-0000-7000-8000-000000000000/1/start",
                    std::string("\0\x0b", 2) + std::string(32, 'n')};

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

  static Stage* stage_;
  const CloudForTest& cloud_ = stage_->cloud_;
  const TemporaryDirectory& directory_ = stage_->directory_;
  const MiniImage& image_ = stage_->image_;
  const CustomerForTest& customer_ = stage_->customer_;
  const Things& acme_ = stage_->acme_;
};
Stage* Tenants::stage_ = nullptr;

template <class Response, class Request>
Status unary(rpc::Channel& channel, const char* method, const Request& request) {
  SEALIFT_CHECK(channel.call<Response>(std::string{"sealift.v1."} + method, request));
  return {};
}
template <class Response, class Request>
Status stream(rpc::Channel& channel, const char* method, const Request& request) {
  return channel.stream<Response>(std::string{"sealift.v1."} + method, request,
                                  [](const Response&) { return fail(ErrorCode::conflict, "it answers"); });
}

template <class Request>
Request of_launch(const std::string& launch_id) {
  Request request;
  request.set_launch_id(launch_id);
  return request;
}
/// The same as a front end says it, which speaks for umbrella.
template <class Zone, class Request>
Zone for_umbrella(const Request& request) {
  Zone zone;
  zone.set_tenant("umbrella");
  *zone.mutable_request() = request;
  return zone;
}
v1::ChallengeTargetRequest challenge(const std::string& launch_id) {
  auto request = of_launch<v1::ChallengeTargetRequest>(launch_id);
  request.set_attempt(1);
  request.set_question("who are you");
  return request;
}
v1::AuthorizeTargetRequest authorize(const std::string& launch_id) {
  auto request = of_launch<v1::AuthorizeTargetRequest>(launch_id);
  request.set_attempt(1);
  request.mutable_sealed_data()->set_seed("mine");
  return request;
}
v1::RefuseTargetRequest refuse(const std::string& launch_id) {
  auto request = of_launch<v1::RefuseTargetRequest>(launch_id);
  request.set_attempt(1);
  request.mutable_refusal()->set_code("canceled");
  return request;
}

/// One method, as somebody tries it on `things`.
struct Row {
  using Try = std::function<Status(rpc::Channel&, const Things&)>;
  const char* method;
  Try attempt;
};

const std::vector<Row>& customers_rows() {
  static const std::vector<Row> rows{
      {"ImageService.UploadPart",
       [](rpc::Channel& channel, const Things& things) {
         v1::UploadPartRequest request;
         request.set_image_id(things.image);
         request.set_file("kernel");
         request.set_data("mine");
         return unary<v1::UploadPartResponse>(channel, "ImageService.UploadPart", request);
       }},
      {"ImageService.GetImage",
       [](rpc::Channel& channel, const Things& things) {
         v1::GetImageRequest request;
         request.set_image_id(things.image);
         return unary<v1::Image>(channel, "ImageService.GetImage", request);
       }},
      {"ImageService.DeleteImage",
       [](rpc::Channel& channel, const Things& things) {
         v1::DeleteImageRequest request;
         request.set_image_id(things.image);
         return unary<v1::DeleteImageResponse>(channel, "ImageService.DeleteImage", request);
       }},
      {"LaunchService.GetQuote",
       [](rpc::Channel& channel, const Things& things) {
         v1::GetQuoteRequest request;
         request.set_image_id(things.image);
         return unary<v1::Quote>(channel, "LaunchService.GetQuote", request);
       }},
      {"LaunchService.CreateLaunch",
       [](rpc::Channel& channel, const Things& things) {
         v1::CreateLaunchRequest request;
         request.set_quote_id(things.quote);
         request.set_idempotency_key("waits");
         request.set_key_model(v1::KEY_MODEL_KEEP);
         return unary<v1::Launch>(channel, "LaunchService.CreateLaunch", request);
       }},
      {"LaunchService.GetLaunch",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(channel, "LaunchService.GetLaunch",
                                  of_launch<v1::GetLaunchRequest>(things.launch));
       }},
      {"LaunchService.WatchLaunch",
       [](rpc::Channel& channel, const Things& things) {
         return stream<v1::LaunchEvent>(channel, "LaunchService.WatchLaunch",
                                        of_launch<v1::WatchLaunchRequest>(things.launch));
       }},
      {"LaunchService.StopLaunch",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(channel, "LaunchService.StopLaunch",
                                  of_launch<v1::StopLaunchRequest>(things.launch));
       }},
      {"LaunchService.WatchConsole",
       [](rpc::Channel& channel, const Things& things) {
         return stream<v1::ConsoleChunk>(channel, "LaunchService.WatchConsole",
                                         of_launch<v1::WatchConsoleRequest>(things.launch));
       }},
      {"LaunchService.GetTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Target>(channel, "LaunchService.GetTarget",
                                  of_launch<v1::GetTargetRequest>(things.waiting));
       }},
      {"LaunchService.ChallengeTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::ChallengeTargetResponse>(channel, "LaunchService.ChallengeTarget",
                                                   challenge(things.waiting));
       }},
      {"LaunchService.AuthorizeTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(channel, "LaunchService.AuthorizeTarget", authorize(things.waiting));
       }},
      {"LaunchService.RefuseTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(channel, "LaunchService.RefuseTarget", refuse(things.waiting));
       }},
      {"ImageService.PutSealedHead",
       [](rpc::Channel& channel, const Things& things) {
         v1::PutSealedHeadRequest request;
         request.set_image_id(things.image);
         request.set_set("fleet");
         request.set_policy(std::string(32, 'p'));
         request.add_sealed_data()->set_storage_key_name(things.host);
         return unary<v1::SealedHead>(channel, "ImageService.PutSealedHead", request);
       }},
  };
  return rows;
}

const std::vector<Row>& front_ends_rows() {
  static const std::vector<Row> rows{
      {"ZoneService.GetLaunch",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(
             channel, "ZoneService.GetLaunch",
             for_umbrella<v1::ZoneGetLaunchRequest>(of_launch<v1::GetLaunchRequest>(things.launch)));
       }},
      {"ZoneService.WatchLaunch",
       [](rpc::Channel& channel, const Things& things) {
         return stream<v1::LaunchEvent>(
             channel, "ZoneService.WatchLaunch",
             for_umbrella<v1::ZoneWatchLaunchRequest>(of_launch<v1::WatchLaunchRequest>(things.launch)));
       }},
      {"ZoneService.StopLaunch",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(
             channel, "ZoneService.StopLaunch",
             for_umbrella<v1::ZoneStopLaunchRequest>(of_launch<v1::StopLaunchRequest>(things.launch)));
       }},
      {"ZoneService.WatchConsole",
       [](rpc::Channel& channel, const Things& things) {
         return stream<v1::ConsoleChunk>(
             channel, "ZoneService.WatchConsole",
             for_umbrella<v1::ZoneWatchConsoleRequest>(of_launch<v1::WatchConsoleRequest>(things.launch)));
       }},
      {"ZoneService.GetTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Target>(
             channel, "ZoneService.GetTarget",
             for_umbrella<v1::ZoneGetTargetRequest>(of_launch<v1::GetTargetRequest>(things.waiting)));
       }},
      {"ZoneService.ChallengeTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::ChallengeTargetResponse>(
             channel, "ZoneService.ChallengeTarget",
             for_umbrella<v1::ZoneChallengeTargetRequest>(challenge(things.waiting)));
       }},
      {"ZoneService.AuthorizeTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(channel, "ZoneService.AuthorizeTarget",
                                  for_umbrella<v1::ZoneAuthorizeTargetRequest>(authorize(things.waiting)));
       }},
      {"ZoneService.RefuseTarget",
       [](rpc::Channel& channel, const Things& things) {
         return unary<v1::Launch>(channel, "ZoneService.RefuseTarget",
                                  for_umbrella<v1::ZoneRefuseTargetRequest>(refuse(things.waiting)));
       }},
  };
  return rows;
}

/// By a host that the launch was not given to.
const std::vector<Row>& hosts_rows() {
  static const std::vector<Row> rows{
      {"HostService.CompleteCommand",
       [](rpc::Channel& channel, const Things& things) {
         v1::CompleteCommandRequest request;
         request.set_command_id(things.command);
         request.mutable_refusal()->set_code("kernel_differs");
         return unary<v1::CompleteCommandResponse>(channel, "HostService.CompleteCommand", request);
       }},
      {"HostService.ReportInstance",
       [](rpc::Channel& channel, const Things& things) {
         auto request = of_launch<v1::ReportInstanceRequest>(things.launch);
         request.set_attempt(1);
         request.set_sequence(40);
         request.set_event("guest_ended");
         return unary<v1::ReportInstanceResponse>(channel, "HostService.ReportInstance", request);
       }},
  };
  return rows;
}

/// At the security module of umbrella itself, about acme's image.
const std::vector<Row>& orchestrators_rows() {
  static const std::vector<Row> rows{
      {"AuthorizationService.RequestAuthorization",
       [](rpc::Channel& channel, const Things& things) {
         v1::RequestAuthorizationRequest request;
         request.set_tenant("umbrella");
         request.set_image_id(things.image);
         request.set_tee("measured");
         return unary<v1::RequestAuthorizationResponse>(channel, "AuthorizationService.RequestAuthorization",
                                                        request);
       }},
      {"AuthorizationService.AnswerQuestion",
       [](rpc::Channel& channel, const Things& things) {
         v1::AnswerQuestionRequest request;
         request.set_tenant("umbrella");
         request.set_image_id(things.image);
         request.set_question_id("0192f3c1");
         request.set_answer("x");
         return unary<v1::AnswerQuestionResponse>(channel, "AuthorizationService.AnswerQuestion", request);
       }},
  };
  return rows;
}

v1::Revocation revocation(const Things& things) {
  v1::Revocation image;
  image.set_kind(v1::REVOCATION_KIND_IMAGE);
  image.set_subject(std::string{as_text(from_hex(things.image).value())});
  return image;
}

/// acme's set is "fleet", and nobody's is "never".
std::string set_of(const Things& things) { return things.image == kNever.image ? "never" : "fleet"; }

/// Of sets, which are found by name.
const std::vector<Row>& set_rows() {
  static const std::vector<Row> rows{
      {"HostSetService.PutSet",
       [](rpc::Channel& channel, const Things& things) {
         v1::PutSetRequest request;
         request.mutable_set()->set_name(set_of(things));
         request.mutable_set()->add_hosts(kNever.host);
         request.mutable_set()->set_version(1);
         return unary<v1::HostSet>(channel, "HostSetService.PutSet", request);
       }},
      {"HostSetService.GetSet",
       [](rpc::Channel& channel, const Things& things) {
         v1::GetSetRequest request;
         request.set_name(set_of(things));
         return unary<v1::HostSet>(channel, "HostSetService.GetSet", request);
       }},
      {"HostSetService.SealToSet",
       [](rpc::Channel& channel, const Things& things) {
         v1::SealToSetRequest request;
         request.set_name(set_of(things));
         request.add_image_ids(things.image);
         return unary<v1::SealToSetResponse>(channel, "HostSetService.SealToSet", request);
       }},
  };
  return rows;
}

/// What one may do about things that are not there as well, at the front end.
const std::vector<Row>& sealed_rows() {
  static const std::vector<Row> rows{
      {"ImageService.RemoveSealedHead",
       [](rpc::Channel& channel, const Things& things) {
         v1::RemoveSealedHeadRequest request;
         request.set_image_id(things.image);
         request.set_set("fleet");
         return unary<v1::RemoveSealedHeadResponse>(channel, "ImageService.RemoveSealedHead", request);
       }},
      {"ImageService.RemoveSealedHosts",
       [](rpc::Channel& channel, const Things& things) {
         v1::RemoveSealedHostsRequest request;
         request.add_storage_key_names(things.host);
         return unary<v1::RemoveSealedHostsResponse>(channel, "ImageService.RemoveSealedHosts", request);
       }},
  };
  return rows;
}

/// What one may do about things that are not there as well.
const std::vector<Row>& seed_rows() {
  static const std::vector<Row> rows{
      {"RevocationService.Revoke",
       [](rpc::Channel& channel, const Things& things) {
         v1::RevokeRequest request;
         *request.mutable_revocation() = revocation(things);
         return unary<v1::RevokeResponse>(channel, "RevocationService.Revoke", request);
       }},
      {"RevocationService.Reinstate",
       [](rpc::Channel& channel, const Things& things) {
         v1::ReinstateRequest request;
         *request.mutable_revocation() = revocation(things);
         return unary<v1::ReinstateResponse>(channel, "RevocationService.Reinstate", request);
       }},
      {"RevocationService.DeprovisionHost",
       [](rpc::Channel& channel, const Things& things) {
         v1::DeprovisionHostRequest request;
         request.set_storage_key_name(things.host);
         return unary<v1::DeprovisionHostResponse>(channel, "RevocationService.DeprovisionHost", request);
       }},
      {"HostSetService.DeleteSet",
       [](rpc::Channel& channel, const Things& things) {
         v1::DeleteSetRequest request;
         request.set_name(set_of(things));
         return unary<v1::DeleteSetResponse>(channel, "HostSetService.DeleteSet", request);
       }},
      {"SeedService.DeleteSeed",
       [](rpc::Channel& channel, const Things& things) {
         v1::DeleteSeedRequest request;
         request.set_image_id(things.image);
         return unary<v1::DeleteSeedResponse>(channel, "SeedService.DeleteSeed", request);
       }},
  };
  return rows;
}

/// Those that name nothing of anybody else's: what they give is looked at in a test of its own.
const std::set<std::string> kNamesNothing{
    "ImageService.CreateImage", "ImageService.ListImages", "LaunchService.ListLaunches",
    "LaunchService.ListUsage", "ZoneService.CreateLaunch", "ZoneService.ListLaunches",
    "ZoneService.ListUsage", "SeedService.BeginInsertion", "SeedService.InsertSeed", "SeedService.PutSeed",
    "SeedService.ListSeeds", "SeedService.ListEnrolledHosts", "RevocationService.ListRevocations",
    "AuditService.ExportLog", "HostSetService.ListSets", "ImageService.ListSealedHeads",
    // A host is the one in its certificate; an operator sees all hosts, and no tenant.
    "HostService.Register", "HostService.Heartbeat", "HostService.StreamCommands",
    "InventoryService.ListHosts", "InventoryService.SetDraining"};

std::string content_of(const std::string& path) {
  return std::string{as_text(read_file(path, 1U << 20U).value())};
}

/// The same answer as for what never was, with nothing of acme in it.
void expect_nothing_revealed(const Row& row, rpc::Channel& channel, const Things& theirs) {
  SCOPED_TRACE(row.method);
  const auto refused = row.attempt(channel, theirs);
  const auto never = row.attempt(channel, kNever);
  ASSERT_THAT(refused, FailsWith(ErrorCode::not_found));
  ASSERT_THAT(never, FailsWith(ErrorCode::not_found));
  EXPECT_EQ(refused.error().message, never.error().message);
  EXPECT_EQ(refused.error().field, never.error().field);
  EXPECT_EQ(refused.error().message.find("acme"), std::string::npos);
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

TEST(EveryMethod, IsTriedOnSomebodyElsesThings) {
  auto tried = kNamesNothing;
  for (const auto& rows : {customers_rows(), front_ends_rows(), hosts_rows(), orchestrators_rows(),
                           seed_rows(), set_rows(), sealed_rows()}) {
    for (const auto& row : rows) EXPECT_TRUE(tried.insert(row.method).second) << row.method;
  }
  EXPECT_EQ(tried, methods_of_the_api());
  EXPECT_EQ(methods_of_the_table(), methods_of_the_api());
}

}  // namespace
}  // namespace sealift::e2e
