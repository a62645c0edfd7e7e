// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/foreign_things_for_test.h"

namespace sealift::e2e {
namespace {

template <class Request>
Request of_launch(const std::string& launch_id) {
  Request request;
  request.set_launch_id(launch_id);
  return request;
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

v1::Revocation revocation(const Things& things) {
  v1::Revocation image;
  image.set_kind(v1::REVOCATION_KIND_IMAGE);
  image.set_subject(std::string{as_text(from_hex(things.image).value())});
  return image;
}

/// acme's set is "fleet", and nobody's is "never".
std::string set_of(const Things& things) { return things.image == kNever.image ? "never" : "fleet"; }

}  // namespace

const Things kNever{"0192f3c1-0000-7000-8000-000000000000",
                    "0192f3c1-0000-7000-8000-000000000001",
                    "0123456789abcdef0123456789abcdef",
                    "0192f3c1-0000-7000-8000-000000000002",
                    "0192f3c1-0000-7000-8000-000000000000/1/start",
                    std::string("\0\x0b", 2) + std::string(32, 'n')};

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

const std::set<std::string>& naming_nothing() {
  static const std::set<std::string> names{
      "ImageService.CreateImage", "ImageService.ListImages", "LaunchService.ListLaunches",
      "LaunchService.ListUsage", "ZoneService.CreateLaunch", "ZoneService.ListLaunches",
      "ZoneService.ListUsage", "SeedService.BeginInsertion", "SeedService.InsertSeed", "SeedService.PutSeed",
      "SeedService.ListSeeds", "SeedService.ListEnrolledHosts", "RevocationService.ListRevocations",
      "AuditService.ExportLog", "HostSetService.ListSets", "ImageService.ListSealedHeads",
      // A host is the one in its certificate; an operator sees all hosts, and no tenant.
      "HostService.Register", "HostService.Heartbeat", "HostService.StreamCommands",
      "InventoryService.ListHosts", "InventoryService.SetDraining"};
  return names;
}

}  // namespace sealift::e2e
