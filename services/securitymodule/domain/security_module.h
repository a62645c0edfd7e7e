// SPDX-License-Identifier: Apache-2.0
/// What the security module decides: which seeds it keeps, and for whom it seals them (design section 10;
/// steps 330, 336, 933 and 984 of section 4).
///
/// A host's evidence is verified under the image's own policy at each request: in full, or found to be what
/// was verified before with nothing begun or ended since. From the past comes only the answer that its TPM
/// once gave for this very storage key and EK.
#pragma once

#include <set>

#include "services/securitymodule/domain/authorizations.h"
#include "services/securitymodule/domain/decision.h"
#include "services/securitymodule/domain/enrolments.h"
#include "services/securitymodule/domain/host_sets.h"
#include "services/securitymodule/domain/insertions.h"
#include "services/securitymodule/domain/questions.h"
#include "services/securitymodule/domain/revocations.h"
#include "services/securitymodule/domain/sealing_ahead.h"
#include "services/securitymodule/domain/sev_launches.h"
#include "services/securitymodule/domain/verdicts.h"
#include "services/securitymodule/domain/verified_hosts.h"

namespace sealift::securitymodule {

/// Where everything is kept; they outlive the security module.
struct Stores {
  store::SeedStore& seeds;
  store::AuthorizationStore& authorizations;
  store::EnrolmentStore& enrolments;
  store::ChallengeStore& challenges;
  store::RevocationStore& revocations;
  store::HostSetStore& sets;
  store::VerdictStore& verdicts;
};

/// Any number of threads, and of security modules on one database. Each call is one line in the log of
/// decisions.
///
/// Of each call: permission_denied where the tenant is not served here; not_found for an image that the
/// tenant has not, whether or not another has it; authentication_failed where the database was altered. What
/// could not be recorded fails as recording did.
class SecurityModule {
 public:
  SecurityModule(std::set<std::string> tenants, Stores stores, const Vault& vault, const Clock& clock,
                 const Limits& limits, DecisionLog& log, const InsertionKey* insertion_key = nullptr);

  /// Secure insertion: the security module proves itself, then takes what only it can read. As Insertions,
  /// and as put_seed().
  Result<v1::BeginInsertionResponse> begin_insertion(const Asker& asker,
                                                     const v1::BeginInsertionRequest& request);
  Result<v1::InsertSeedResponse> insert_seed(const Asker& asker, const v1::InsertSeedRequest& request);
  /// `seed` is taken whatever comes of it. already_exists where the image has another seed or policy.
  Status put_seed(const Asker& asker, const v1::PutSeedRequest& request, SecretBytes seed);
  Result<v1::ListSeedsResponse> list_seeds(const Asker& asker, const v1::ListSeedsRequest& request);
  Status delete_seed(const Asker& asker, const v1::DeleteSeedRequest& request);
  Result<v1::ListEnrolledHostsResponse> list_enrolled_hosts(const Asker& asker,
                                                            const v1::ListEnrolledHostsRequest& request);

  /// From when it answers, no replica seals to what was revoked, nor returns what was sealed. Sealed data
  /// that are with a host already stay there.
  Status revoke(const Asker& asker, const v1::Revocation& revocation);
  Status reinstate(const Asker& asker, const v1::Revocation& revocation);
  Result<v1::ListRevocationsResponse> list_revocations(const Asker& asker,
                                                       const v1::ListRevocationsRequest& request);
  /// Revokes the host, and forgets its enrolment and what was sealed to it.
  Result<v1::DeprovisionHostResponse> deprovision_host(const Asker& asker,
                                                       const v1::DeprovisionHostRequest& request);

  Result<v1::HostSet> put_set(const Asker& asker, const v1::HostSet& set);
  Result<v1::HostSet> get_set(const Asker& asker, const v1::GetSetRequest& request);
  Result<v1::ListSetsResponse> list_sets(const Asker& asker, const v1::ListSetsRequest& request);
  Status delete_set(const Asker& asker, const v1::DeleteSetRequest& request);
  /// Each pair of image and host is a decision of its own in the log.
  Result<v1::SealToSetResponse> seal_to_set(const Asker& asker, const v1::SealToSetRequest& request);

  /// Sealed data, or the question that the host must answer first; of an SEV image always that: each launch
  /// is proven. Refuses evidence as libs/tee does.
  Result<v1::RequestAuthorizationResponse> request_authorization(
      const Asker& asker, const v1::RequestAuthorizationRequest& request);
  /// challenge_used, challenge_expired, challenge_response_differs, failed_precondition.
  Result<v1::AnswerQuestionResponse> answer_question(const Asker& asker,
                                                     const v1::AnswerQuestionRequest& request);

  bool serves(const std::string& tenant) const { return tenants_.contains(tenant); }
  /// For now and then.
  Status forget_expired_questions() { return questions_.forget_expired(); }

 private:
  template <typename Work>
  auto decide(std::string_view action, const Asker& asker, Work work);
  Result<ImageKey> image_of(Decision& decision, const std::string& image_id) const;

  Status put(Decision& decision, const v1::PutSeedRequest& request, SecretBytes seed);
  Result<v1::RequestAuthorizationResponse> authorize(Decision& decision,
                                                     const v1::RequestAuthorizationRequest& request);
  Result<v1::AnswerQuestionResponse> enrol(Decision& decision, const v1::AnswerQuestionRequest& request);
  Result<v1::RequestAuthorizationResponse> ask_launch(Decision& decision, const ImageKey& image,
                                                      const OpenedSeed& seed, ByteView evidence);
  Result<v1::AnswerQuestionResponse> release(Decision& decision, const ImageKey& image,
                                             const OpenedSeed& seed,
                                             const v1::AnswerQuestionRequest& request);
  Result<v1::SealedData> seal(Decision& decision, const ImageKey& image, const OpenedSeed& seed,
                              const tee::VerifiedStorageKey& storage_key,
                              const crypto::Digest& hardware_key_hash);

  std::set<std::string> tenants_;
  const Clock& clock_;
  DecisionLog& log_;
  Seeds seeds_;
  VerifiedHosts hosts_;
  Enrolments enrolments_;
  Questions questions_;
  Insertions insertions_;
  Authorizations authorizations_;
  Revocations revocations_;
  SevLaunches launches_;
  HostSets sets_;
  Verdicts verdicts_;
  SealingAhead ahead_;
};

}  // namespace sealift::securitymodule
