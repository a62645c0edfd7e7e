// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/service.h"

#include "tpm/evidence.h"

namespace sealift::securitymodule {
namespace {

using rpc::Allow;
using rpc::Call;
using rpc::Role;

constexpr std::size_t kRoomForTheRest = 64UL * 1024;
constexpr std::size_t kRoomForOneHost = 128;
constexpr std::size_t kInBase64 = 2;  // JSON writes bytes so; it is less

class Askers {
 public:
  explicit Askers(std::string own_domain) : own_domain_{std::move(own_domain)} {}

  /// A tenant asks for itself.
  Result<Asker> tenant(const Call& call) const {
    if (call.caller.trust_domain != own_domain_) {
      return fail(ErrorCode::permission_denied,
                  "tenants are those of this security module's own trust domain", "trust_domain");
    }
    return on_behalf_of(call, call.caller.name);
  }
  /// An orchestrator asks for whom it likes: what it gets is of use to proven hosts alone.
  Asker on_behalf_of(const Call& call, const std::string& tenant) const {
    return {tenant, call.caller.text(), call.trace.id_text()};
  }

 private:
  std::string own_domain_;
};

template <typename Response>
Result<Response> nothing_or(const Status& status) {
  if (!status) return tl::unexpected(status.error());
  return Response{};
}

template <typename Response, typename Request>
void register_for_tenants(rpc::Router& router, std::string_view method, const Askers& askers,
                          std::function<Result<Response>(const Asker&, const Request&)> handler) {
  router.unary<Response, Request>(
      method, Allow::roles({Role::tenant}),
      [askers, handler = std::move(handler)](const Call& call, const Request& request) -> Result<Response> {
        SEALIFT_TRY(const auto asker, askers.tenant(call));
        return handler(asker, request);
      });
}

void register_plain_insertion(rpc::Router& router, SecurityModule& sm, const Askers& askers,
                              PlainInsertion plain) {
  router.unary<v1::PutSeedResponse, v1::PutSeedRequest>(
      "sealift.v1.SeedService.PutSeed", Allow::roles({Role::tenant}),
      [&sm, askers, plain](const Call& call,
                           const v1::PutSeedRequest& request) -> Result<v1::PutSeedResponse> {
        // The request is the RPC server's own object, never const itself; nobody reads it after this call.
        auto seed = take_seed(
            const_cast<v1::PutSeedRequest&>(request));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        SEALIFT_TRY(const auto asker, askers.tenant(call));
        if (!sm.serves(asker.tenant))
          return fail(ErrorCode::permission_denied, "this security module does not serve that tenant",
                      "tenant");
        if (plain == PlainInsertion::refuse)
          return fail(ErrorCode::failed_precondition,
                      "this security module takes seeds by secure insertion alone: InsertSeed", "seed");
        return nothing_or<v1::PutSeedResponse>(sm.put_seed(asker, request, std::move(seed)));
      });
  router.limit_body("sealift.v1.SeedService.PutSeed", kInBase64 * kMaxPolicySize + kRoomForTheRest);
}

void register_secure_insertion(rpc::Router& router, SecurityModule& sm, const Askers& askers) {
  register_for_tenants<v1::BeginInsertionResponse, v1::BeginInsertionRequest>(
      router, "sealift.v1.SeedService.BeginInsertion", askers,
      [&sm](const Asker& asker, const v1::BeginInsertionRequest& request) {
        return sm.begin_insertion(asker, request);
      });
  register_for_tenants<v1::InsertSeedResponse, v1::InsertSeedRequest>(
      router, "sealift.v1.SeedService.InsertSeed", askers,
      [&sm](const Asker& asker, const v1::InsertSeedRequest& request) {
        return sm.insert_seed(asker, request);
      });
  router.limit_body("sealift.v1.SeedService.InsertSeed", kInBase64 * kMaxPolicySize + kRoomForTheRest);
}

void register_seeds(rpc::Router& router, SecurityModule& sm, const Askers& askers) {
  const auto tenants = Allow::roles({Role::tenant});
  router.unary<v1::ListSeedsResponse, v1::ListSeedsRequest>(
      "sealift.v1.SeedService.ListSeeds", tenants,
      [&sm, askers](const Call& call, const v1::ListSeedsRequest& request) -> Result<v1::ListSeedsResponse> {
        SEALIFT_TRY(const auto asker, askers.tenant(call));
        return sm.list_seeds(asker, request);
      });
  router.unary<v1::DeleteSeedResponse, v1::DeleteSeedRequest>(
      "sealift.v1.SeedService.DeleteSeed", tenants,
      [&sm, askers](const Call& call,
                    const v1::DeleteSeedRequest& request) -> Result<v1::DeleteSeedResponse> {
        SEALIFT_TRY(const auto asker, askers.tenant(call));
        return nothing_or<v1::DeleteSeedResponse>(sm.delete_seed(asker, request));
      });
  router.unary<v1::ListEnrolledHostsResponse, v1::ListEnrolledHostsRequest>(
      "sealift.v1.SeedService.ListEnrolledHosts", tenants,
      [&sm, askers](const Call& call,
                    const v1::ListEnrolledHostsRequest& request) -> Result<v1::ListEnrolledHostsResponse> {
        SEALIFT_TRY(const auto asker, askers.tenant(call));
        return sm.list_enrolled_hosts(asker, request);
      });
}

void register_authorizations(rpc::Router& router, SecurityModule& sm, const Askers& askers) {
  const auto orchestrators = Allow::roles({Role::orchestrator});
  router.unary<v1::RequestAuthorizationResponse, v1::RequestAuthorizationRequest>(
      "sealift.v1.AuthorizationService.RequestAuthorization", orchestrators,
      [&sm, askers](const Call& call, const v1::RequestAuthorizationRequest& request) {
        return sm.request_authorization(askers.on_behalf_of(call, request.tenant()), request);
      });
  router.limit_body("sealift.v1.AuthorizationService.RequestAuthorization",
                    kInBase64 * tpm::kEvidenceSizeLimit + kRoomForTheRest);
  router.unary<v1::AnswerQuestionResponse, v1::AnswerQuestionRequest>(
      "sealift.v1.AuthorizationService.AnswerQuestion", orchestrators,
      [&sm, askers](const Call& call, const v1::AnswerQuestionRequest& request) {
        return sm.answer_question(askers.on_behalf_of(call, request.tenant()), request);
      });
  router.limit_body("sealift.v1.AuthorizationService.AnswerQuestion", kRoomForTheRest);
}

void register_revocations(rpc::Router& router, SecurityModule& sm, const Askers& askers) {
  register_for_tenants<v1::RevokeResponse, v1::RevokeRequest>(
      router, "sealift.v1.RevocationService.Revoke", askers,
      [&sm](const Asker& asker, const v1::RevokeRequest& request) {
        return nothing_or<v1::RevokeResponse>(sm.revoke(asker, request.revocation()));
      });
  register_for_tenants<v1::ReinstateResponse, v1::ReinstateRequest>(
      router, "sealift.v1.RevocationService.Reinstate", askers,
      [&sm](const Asker& asker, const v1::ReinstateRequest& request) {
        return nothing_or<v1::ReinstateResponse>(sm.reinstate(asker, request.revocation()));
      });
  register_for_tenants<v1::ListRevocationsResponse, v1::ListRevocationsRequest>(
      router, "sealift.v1.RevocationService.ListRevocations", askers,
      [&sm](const Asker& asker, const v1::ListRevocationsRequest& request) {
        return sm.list_revocations(asker, request);
      });
  register_for_tenants<v1::DeprovisionHostResponse, v1::DeprovisionHostRequest>(
      router, "sealift.v1.RevocationService.DeprovisionHost", askers,
      [&sm](const Asker& asker, const v1::DeprovisionHostRequest& request) {
        return sm.deprovision_host(asker, request);
      });
}

void register_sets(rpc::Router& router, SecurityModule& sm, const Askers& askers) {
  register_for_tenants<v1::HostSet, v1::PutSetRequest>(
      router, "sealift.v1.HostSetService.PutSet", askers,
      [&sm](const Asker& asker, const v1::PutSetRequest& request) {
        return sm.put_set(asker, request.set());
      });
  register_for_tenants<v1::HostSet, v1::GetSetRequest>(
      router, "sealift.v1.HostSetService.GetSet", askers,
      [&sm](const Asker& asker, const v1::GetSetRequest& request) { return sm.get_set(asker, request); });
  register_for_tenants<v1::ListSetsResponse, v1::ListSetsRequest>(
      router, "sealift.v1.HostSetService.ListSets", askers,
      [&sm](const Asker& asker, const v1::ListSetsRequest& request) { return sm.list_sets(asker, request); });
  register_for_tenants<v1::DeleteSetResponse, v1::DeleteSetRequest>(
      router, "sealift.v1.HostSetService.DeleteSet", askers,
      [&sm](const Asker& asker, const v1::DeleteSetRequest& request) {
        return nothing_or<v1::DeleteSetResponse>(sm.delete_set(asker, request));
      });
  register_for_tenants<v1::SealToSetResponse, v1::SealToSetRequest>(
      router, "sealift.v1.HostSetService.SealToSet", askers,
      [&sm](const Asker& asker, const v1::SealToSetRequest& request) {
        return sm.seal_to_set(asker, request);
      });
  for (const auto* const method : {"PutSet", "SealToSet"})
    router.limit_body(std::string{"sealift.v1.HostSetService."} + method,
                      kMaxSetHosts * kRoomForOneHost + kRoomForTheRest);
}

}  // namespace

void register_methods(rpc::Router& router, SecurityModule& sm, const std::string& own_domain,
                      PlainInsertion plain) {
  const Askers askers{own_domain};
  register_plain_insertion(router, sm, askers, plain);
  register_secure_insertion(router, sm, askers);
  register_seeds(router, sm, askers);
  register_authorizations(router, sm, askers);
  register_revocations(router, sm, askers);
  register_sets(router, sm, askers);
}

void register_audit(rpc::Router& router, SecurityModule& sm, AuditLog& log, const std::string& own_domain) {
  const Askers askers{own_domain};
  router.unary<v1::ExportLogResponse, v1::ExportLogRequest>(
      "sealift.v1.AuditService.ExportLog", Allow::roles({Role::tenant}),
      [&sm, &log, askers](const Call& call,
                          const v1::ExportLogRequest& request) -> Result<v1::ExportLogResponse> {
        SEALIFT_TRY(const auto asker, askers.tenant(call));
        if (!sm.serves(asker.tenant))
          return fail(ErrorCode::permission_denied, "this security module does not serve that tenant",
                      "tenant");
        return log.export_log(asker.tenant, request);
      });
}

}  // namespace sealift::securitymodule
