// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/security_module.h"

namespace sealift::securitymodule {

SecurityModule::SecurityModule(std::set<std::string> tenants, Stores stores, const Vault& vault,
                               const Clock& clock, const Limits& limits, DecisionLog& log)
    : tenants_{std::move(tenants)},
      clock_{clock},
      log_{log},
      seeds_{stores.seeds, stores.authorizations, vault, clock},
      enrolments_{stores.enrolments, vault},
      questions_{stores.challenges, vault, clock, limits},
      authorizations_{stores.authorizations, vault, clock} {}

/// Runs `work` where the tenant is served here, and records what came of it: nothing does that was not
/// recorded.
template <typename Work>
auto SecurityModule::decide(std::string_view action, const Asker& asker, Work work) {
  Decision decision{action, asker, {}, {}, {}};
  using Outcome = decltype(work(decision));
  const auto run = [&]() -> Outcome {
    if (!tenants_.contains(asker.tenant))
      return fail(ErrorCode::permission_denied, "this security module does not serve that tenant", "tenant");
    return work(decision);
  };
  auto outcome = run();
  auto receipt = log_.record(decision, outcome ? nullptr : &outcome.error());
  if (!outcome) return outcome;
  if (!receipt) return Outcome{tl::unexpected(std::move(receipt).error())};
  if constexpr (requires { outcome->set_receipt(std::string{}); })
    outcome->set_receipt(std::string{as_text(*receipt)});
  return outcome;
}

Result<ImageKey> SecurityModule::image_of(Decision& decision, const std::string& image_id) const {
  const auto id = esm::ImageId::from_hex(image_id);
  if (!id) return fail(ErrorCode::invalid_argument, "an image's id has 32 hexadecimal digits", "image_id");
  decision.image_id = id->hex();
  return ImageKey{decision.asker.tenant, *id};
}

Status SecurityModule::put_seed(const Asker& asker, const v1::PutSeedRequest& request, SecretBytes seed) {
  return decide("put_seed", asker,
                [&](Decision& decision) { return put(decision, request, std::move(seed)); });
}

Status SecurityModule::put(Decision& decision, const v1::PutSeedRequest& request, SecretBytes seed) {
  decision.outcome = "accepted";
  SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
  if (seed.size() != esm::kSeedSize) return fail(ErrorCode::invalid_argument, "a seed has 32 bytes", "seed");
  const esm::Seed taken{seed.expose_for_writing().first<esm::kSeedSize>()};
  SEALIFT_TRY(const auto policy, ImagePolicy::check(request.policy()));
  return seeds_.put(image, taken, policy);
}

Result<v1::ListSeedsResponse> SecurityModule::list_seeds(const Asker& asker,
                                                         const v1::ListSeedsRequest& request) {
  return decide("list_seeds", asker, [&](Decision& decision) {
    decision.outcome = "listed";
    return seeds_.list(asker.tenant, request);
  });
}

Status SecurityModule::delete_seed(const Asker& asker, const v1::DeleteSeedRequest& request) {
  return decide("delete_seed", asker, [&](Decision& decision) -> Status {
    decision.outcome = "removed";
    SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
    return seeds_.remove(image);
  });
}

Result<v1::ListEnrolledHostsResponse> SecurityModule::list_enrolled_hosts(
    const Asker& asker, const v1::ListEnrolledHostsRequest& request) {
  return decide("list_enrolled_hosts", asker, [&](Decision& decision) {
    decision.outcome = "listed";
    return enrolments_.list(asker.tenant, request);
  });
}

Result<v1::RequestAuthorizationResponse> SecurityModule::request_authorization(
    const Asker& asker, const v1::RequestAuthorizationRequest& request) {
  return decide("request_authorization", asker,
                [&](Decision& decision) { return authorize(decision, request); });
}

Result<v1::RequestAuthorizationResponse> SecurityModule::authorize(
    Decision& decision, const v1::RequestAuthorizationRequest& request) {
  SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
  SEALIFT_TRY(const auto seed, seeds_.open(image));
  SEALIFT_CHECK(seed.policy->allow(request.tee()));
  SEALIFT_TRY(const auto host, hosts_.verify(as_bytes(request.evidence()), *seed.policy, clock_.now()));
  decision.storage_key_name = host->key.name().hex();
  v1::RequestAuthorizationResponse response;
  SEALIFT_TRY(const auto known, enrolments_.knows(image.tenant, *host));
  if (known) {
    SEALIFT_TRY(*response.mutable_sealed_data(), seal(decision, image, seed, host->key.key()));
  } else {
    decision.outcome = "asked";
    SEALIFT_TRY(*response.mutable_question(), questions_.ask(image, *seed.policy, *host));
  }
  return response;
}

Result<v1::AnswerQuestionResponse> SecurityModule::answer_question(const Asker& asker,
                                                                   const v1::AnswerQuestionRequest& request) {
  return decide("answer_question", asker, [&](Decision& decision) { return enrol(decision, request); });
}

Result<v1::AnswerQuestionResponse> SecurityModule::enrol(Decision& decision,
                                                         const v1::AnswerQuestionRequest& request) {
  SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
  SEALIFT_TRY(const auto seed, seeds_.open(image));
  SEALIFT_TRY(auto question, questions_.take(image, *seed.policy, request.question_id()));
  decision.storage_key_name = question.subject().key.name().hex();
  SEALIFT_TRY(const auto host, question.finish(as_bytes(request.answer()), clock_.now()));
  SEALIFT_CHECK(enrolments_.add(image.tenant, host));
  authorizations_.know(host.storage_key());
  v1::AnswerQuestionResponse response;
  SEALIFT_TRY(*response.mutable_sealed_data(), seal(decision, image, seed, host.key().key()));
  return response;
}

Result<v1::SealedData> SecurityModule::seal(Decision& decision, const ImageKey& image, const OpenedSeed& seed,
                                            const tpm::Public& storage_key) {
  decision.outcome = "returned";
  SEALIFT_TRY(auto stored, authorizations_.find(image, seed, storage_key.name()));
  if (stored) return std::move(*stored);
  SEALIFT_TRY(auto made, authorizations_.make(image, seed, storage_key));
  if (made.made) decision.outcome = "made";
  return std::move(made.sealed_data);
}

}  // namespace sealift::securitymodule
