// SPDX-License-Identifier: Apache-2.0
/// Every method of the API with its types, for tests that try each; but HealthService, which every server has
/// of itself. Tests hold the table against the .proto files.
#pragma once

#include <set>
#include <string>

#include "sealift/v1/audit.pb.h"
#include "sealift/v1/hosts.pb.h"
#include "sealift/v1/images.pb.h"
#include "sealift/v1/launches.pb.h"
#include "sealift/v1/revocations.pb.h"
#include "sealift/v1/security_module.pb.h"
#include "sealift/v1/sets.pb.h"
#include "sealift/v1/zone.pb.h"

namespace sealift::e2e {

/// U(service, method, request, response) for one answer, S(…) for a stream of them.
#define SEALIFT_METHODS(U, S)                                                                              \
  U(ImageService, CreateImage, CreateImageRequest, Image)                                                  \
  U(ImageService, UploadPart, UploadPartRequest, UploadPartResponse)                                       \
  U(ImageService, GetImage, GetImageRequest, Image)                                                        \
  U(ImageService, ListImages, ListImagesRequest, ListImagesResponse)                                       \
  U(ImageService, DeleteImage, DeleteImageRequest, DeleteImageResponse)                                    \
  U(ImageService, PutSealedHead, PutSealedHeadRequest, SealedHead)                                         \
  U(ImageService, ListSealedHeads, ListSealedHeadsRequest, ListSealedHeadsResponse)                        \
  U(ImageService, RemoveSealedHead, RemoveSealedHeadRequest, RemoveSealedHeadResponse)                     \
  U(ImageService, RemoveSealedHosts, RemoveSealedHostsRequest, RemoveSealedHostsResponse)                  \
  U(LaunchService, GetQuote, GetQuoteRequest, Quote)                                                       \
  U(LaunchService, CreateLaunch, CreateLaunchRequest, Launch)                                              \
  U(LaunchService, GetLaunch, GetLaunchRequest, Launch)                                                    \
  U(LaunchService, ListLaunches, ListLaunchesRequest, ListLaunchesResponse)                                \
  S(LaunchService, WatchLaunch, WatchLaunchRequest, LaunchEvent)                                           \
  U(LaunchService, StopLaunch, StopLaunchRequest, Launch)                                                  \
  S(LaunchService, WatchConsole, WatchConsoleRequest, ConsoleChunk)                                        \
  U(LaunchService, ListUsage, ListUsageRequest, ListUsageResponse)                                         \
  U(LaunchService, GetTarget, GetTargetRequest, Target)                                                    \
  U(LaunchService, ChallengeTarget, ChallengeTargetRequest, ChallengeTargetResponse)                       \
  U(LaunchService, AuthorizeTarget, AuthorizeTargetRequest, Launch)                                        \
  U(LaunchService, RefuseTarget, RefuseTargetRequest, Launch)                                              \
  U(ZoneService, CreateLaunch, ZoneCreateLaunchRequest, Launch)                                            \
  U(ZoneService, GetLaunch, ZoneGetLaunchRequest, Launch)                                                  \
  U(ZoneService, ListLaunches, ZoneListLaunchesRequest, ListLaunchesResponse)                              \
  S(ZoneService, WatchLaunch, ZoneWatchLaunchRequest, LaunchEvent)                                         \
  U(ZoneService, StopLaunch, ZoneStopLaunchRequest, Launch)                                                \
  S(ZoneService, WatchConsole, ZoneWatchConsoleRequest, ConsoleChunk)                                      \
  U(ZoneService, ListUsage, ZoneListUsageRequest, ListUsageResponse)                                       \
  U(ZoneService, GetTarget, ZoneGetTargetRequest, Target)                                                  \
  U(ZoneService, ChallengeTarget, ZoneChallengeTargetRequest, ChallengeTargetResponse)                     \
  U(ZoneService, AuthorizeTarget, ZoneAuthorizeTargetRequest, Launch)                                      \
  U(ZoneService, RefuseTarget, ZoneRefuseTargetRequest, Launch)                                            \
  U(InventoryService, ListHosts, ListHostsRequest, ListHostsResponse)                                      \
  U(InventoryService, SetDraining, SetDrainingRequest, SetDrainingResponse)                                \
  U(HostService, Register, RegisterRequest, RegisterResponse)                                              \
  U(HostService, Heartbeat, HeartbeatRequest, HeartbeatResponse)                                           \
  S(HostService, StreamCommands, StreamCommandsRequest, Command)                                           \
  U(HostService, CompleteCommand, CompleteCommandRequest, CompleteCommandResponse)                         \
  U(HostService, ReportInstance, ReportInstanceRequest, ReportInstanceResponse)                            \
  U(SeedService, BeginInsertion, BeginInsertionRequest, BeginInsertionResponse)                            \
  U(SeedService, InsertSeed, InsertSeedRequest, InsertSeedResponse)                                        \
  U(SeedService, PutSeed, PutSeedRequest, PutSeedResponse)                                                 \
  U(SeedService, ListSeeds, ListSeedsRequest, ListSeedsResponse)                                           \
  U(SeedService, DeleteSeed, DeleteSeedRequest, DeleteSeedResponse)                                        \
  U(SeedService, ListEnrolledHosts, ListEnrolledHostsRequest, ListEnrolledHostsResponse)                   \
  U(HostSetService, PutSet, PutSetRequest, HostSet)                                                        \
  U(HostSetService, GetSet, GetSetRequest, HostSet)                                                        \
  U(HostSetService, ListSets, ListSetsRequest, ListSetsResponse)                                           \
  U(HostSetService, DeleteSet, DeleteSetRequest, DeleteSetResponse)                                        \
  U(HostSetService, SealToSet, SealToSetRequest, SealToSetResponse)                                        \
  U(RevocationService, Revoke, RevokeRequest, RevokeResponse)                                              \
  U(RevocationService, Reinstate, ReinstateRequest, ReinstateResponse)                                     \
  U(RevocationService, ListRevocations, ListRevocationsRequest, ListRevocationsResponse)                   \
  U(RevocationService, DeprovisionHost, DeprovisionHostRequest, DeprovisionHostResponse)                   \
  U(AuditService, ExportLog, ExportLogRequest, ExportLogResponse)                                          \
  U(AuthorizationService, RequestAuthorization, RequestAuthorizationRequest, RequestAuthorizationResponse) \
  U(AuthorizationService, AnswerQuestion, AnswerQuestionRequest, AnswerQuestionResponse)

/// "LaunchService.GetLaunch", … as the .proto files have them, without HealthService.
std::set<std::string> methods_of_the_api();
/// As the table above has them.
std::set<std::string> methods_of_the_table();

}  // namespace sealift::e2e
