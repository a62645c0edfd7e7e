// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/security_module.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace sealift::securitymodule {

SecurityModule::SecurityModule(std::set<std::string> tenants, Stores stores, const Vault& vault,
                               const Clock& clock, const Limits& limits, DecisionLog& log,
                               const InsertionKey* insertion_key)
    : tenants_{std::move(tenants)},
      clock_{clock},
      log_{log},
      seeds_{stores.seeds, stores.authorizations, vault, clock},
      enrolments_{stores.enrolments, vault},
      questions_{stores.challenges, vault, clock, limits},
      insertions_{stores.challenges, vault, clock, limits, insertion_key},
      authorizations_{stores.authorizations, vault, clock},
      revocations_{stores.revocations, vault, clock},
      launches_{stores.challenges, vault, clock, limits},
      sets_{stores.sets, enrolments_, vault},
      verdicts_{stores.verdicts, vault, clock},
      ahead_{seeds_, enrolments_, verdicts_, authorizations_, revocations_, log} {}

namespace {

/// "host:000b…".
std::string subject_of(const v1::Revocation& revocation) {
  auto kind = v1::RevocationKind_Name(revocation.kind());
  kind.erase(0, std::string_view{"REVOCATION_KIND_"}.size());
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return std::tolower(c); });
  return fmt::format("{}:{}", kind, to_hex(as_bytes(revocation.subject())));
}

}  // namespace

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

Result<v1::BeginInsertionResponse> SecurityModule::begin_insertion(const Asker& asker,
                                                                   const v1::BeginInsertionRequest& request) {
  return decide("begin_insertion", asker, [&](Decision& decision) -> Result<v1::BeginInsertionResponse> {
    decision.outcome = "proven";
    SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
    return insertions_.begin(image, request);
  });
}

Result<v1::InsertSeedResponse> SecurityModule::insert_seed(const Asker& asker,
                                                           const v1::InsertSeedRequest& request) {
  return decide("insert_seed", asker, [&](Decision& decision) -> Result<v1::InsertSeedResponse> {
    SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
    SEALIFT_TRY(auto received, insertions_.receive(image, request));
    SEALIFT_CHECK(put(decision, received.request, std::move(received.seed)));
    v1::InsertSeedResponse response;
    response.set_confirmation(std::string{as_text(received.confirmation.view())});
    return response;
  });
}

Status SecurityModule::put_seed(const Asker& asker, const v1::PutSeedRequest& request, SecretBytes seed) {
  return decide("put_seed", asker,
                [&](Decision& decision) { return put(decision, request, std::move(seed)); });
}

Status SecurityModule::put(Decision& decision, const v1::PutSeedRequest& request, SecretBytes seed) {
  decision.outcome = "accepted";
  SEALIFT_TRY(const auto image, image_of(decision, request.image_id()));
  SEALIFT_TRY(const auto policy, ImagePolicy::check(request.policy()));
  SEALIFT_CHECK(policy.check_seed(seed));
  return seeds_.put(image, seed, policy);
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
  SEALIFT_CHECK(seed.policy->allow_time(clock_.now()));
  if (seed.policy->sev() != nullptr) return ask_launch(decision, image, seed, as_bytes(request.evidence()));
  SEALIFT_TRY(const auto host, hosts_.verify(as_bytes(request.evidence()), *seed.policy, clock_.now()));
  decision.storage_key_name = host->key.name().hex();
  const auto& hardware_key = host->platform.hardware_key_hash();
  SEALIFT_CHECK(revocations_.check(image, hardware_key, host->key.name()));
  v1::RequestAuthorizationResponse response;
  SEALIFT_TRY(const auto known, enrolments_.knows(image.tenant, *host));
  verdicts_.saw(image.tenant, *host, *seed.policy);
  if (known) {
    SEALIFT_CHECK(verdicts_.keep(image.tenant, host->key.name(), *seed.policy));
    SEALIFT_TRY(*response.mutable_sealed_data(), seal(decision, image, seed, host->key, hardware_key));
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
  SEALIFT_CHECK(seed.policy->allow_time(clock_.now()));
  if (seed.policy->sev() != nullptr) return release(decision, image, seed, request);
  SEALIFT_TRY(auto question, questions_.take(image, *seed.policy, request.question_id()));
  decision.storage_key_name = question.subject().key.name().hex();
  SEALIFT_TRY(const auto host, question.finish(as_bytes(request.answer()), clock_.now()));
  SEALIFT_CHECK(revocations_.check(image, host.hardware_key_hash(), host.storage_key_name()));
  SEALIFT_CHECK(enrolments_.add(image.tenant, host));
  SEALIFT_CHECK(verdicts_.keep(image.tenant, host.storage_key_name(), *seed.policy));
  authorizations_.know(host.storage_key());
  v1::AnswerQuestionResponse response;
  SEALIFT_TRY(*response.mutable_sealed_data(),
              seal(decision, image, seed, host.key(), host.hardware_key_hash()));
  return response;
}

Status SecurityModule::revoke(const Asker& asker, const v1::Revocation& revocation) {
  return decide("revoke", asker, [&](Decision& decision) {
    decision.outcome = "revoked";
    decision.subject = subject_of(revocation);
    return revocations_.add(asker.tenant, revocation);
  });
}

Status SecurityModule::reinstate(const Asker& asker, const v1::Revocation& revocation) {
  return decide("reinstate", asker, [&](Decision& decision) {
    decision.outcome = "reinstated";
    decision.subject = subject_of(revocation);
    return revocations_.remove(asker.tenant, revocation);
  });
}

Result<v1::ListRevocationsResponse> SecurityModule::list_revocations(
    const Asker& asker, const v1::ListRevocationsRequest& request) {
  return decide("list_revocations", asker, [&](Decision& decision) {
    decision.outcome = "listed";
    return revocations_.list(asker.tenant, request);
  });
}

Result<v1::DeprovisionHostResponse> SecurityModule::deprovision_host(
    const Asker& asker, const v1::DeprovisionHostRequest& request) {
  return decide("deprovision_host", asker, [&](Decision& decision) -> Result<v1::DeprovisionHostResponse> {
    decision.outcome = "deprovisioned";
    v1::Revocation host;
    host.set_kind(v1::REVOCATION_KIND_HOST);
    host.set_subject(request.storage_key_name());
    // Revoked first: nothing is made for it any more while it is being forgotten.
    SEALIFT_CHECK(revocations_.add(asker.tenant, host));
    SEALIFT_TRY(const auto name, tpm::Name::parse(as_bytes(request.storage_key_name())));
    decision.storage_key_name = name.hex();
    SEALIFT_CHECK(enrolments_.remove(asker.tenant, name));
    SEALIFT_CHECK(verdicts_.remove_of_host(asker.tenant, name));
    v1::DeprovisionHostResponse response;
    SEALIFT_TRY(const auto gone, authorizations_.remove_of_host(asker.tenant, name));
    response.set_authorizations(gone);
    return response;
  });
}

Result<v1::HostSet> SecurityModule::put_set(const Asker& asker, const v1::HostSet& set) {
  return decide("put_set", asker, [&](Decision& decision) -> Result<v1::HostSet> {
    decision.outcome = "accepted";
    decision.subject = "set:" + set.name();
    return sets_.put(asker.tenant, set);
  });
}

Result<v1::HostSet> SecurityModule::get_set(const Asker& asker, const v1::GetSetRequest& request) {
  return decide("get_set", asker, [&](Decision& decision) -> Result<v1::HostSet> {
    decision.outcome = "listed";
    decision.subject = "set:" + request.name();
    return sets_.get(asker.tenant, request.name());
  });
}

Result<v1::ListSetsResponse> SecurityModule::list_sets(const Asker& asker,
                                                       const v1::ListSetsRequest& request) {
  return decide("list_sets", asker, [&](Decision& decision) {
    decision.outcome = "listed";
    return sets_.list(asker.tenant, request);
  });
}

Status SecurityModule::delete_set(const Asker& asker, const v1::DeleteSetRequest& request) {
  return decide("delete_set", asker, [&](Decision& decision) -> Status {
    decision.outcome = "removed";
    decision.subject = "set:" + request.name();
    return sets_.remove(asker.tenant, request.name());
  });
}

Result<v1::SealToSetResponse> SecurityModule::seal_to_set(const Asker& asker,
                                                          const v1::SealToSetRequest& request) {
  return decide("seal_to_set", asker, [&](Decision& decision) -> Result<v1::SealToSetResponse> {
    decision.outcome = "sealed";
    decision.subject = "set:" + request.name();
    SEALIFT_TRY(const auto set, sets_.get(asker.tenant, request.name()));
    return ahead_.seal(asker, set, request.image_ids());
  });
}

Result<v1::RequestAuthorizationResponse> SecurityModule::ask_launch(Decision& decision, const ImageKey& image,
                                                                    const OpenedSeed& seed,
                                                                    ByteView evidence) {
  decision.outcome = "asked";
  const auto allow = [&](const crypto::Digest& chip) -> Status {
    decision.storage_key_name = to_hex(chip.view());
    SEALIFT_CHECK(seed.policy->allow_hardware_key(chip));
    return revocations_.check(image, chip);
  };
  v1::RequestAuthorizationResponse response;
  SEALIFT_TRY(*response.mutable_question(), launches_.ask(image, *seed.policy, evidence, allow));
  return response;
}

Result<v1::AnswerQuestionResponse> SecurityModule::release(Decision& decision, const ImageKey& image,
                                                           const OpenedSeed& seed,
                                                           const v1::AnswerQuestionRequest& request) {
  SEALIFT_TRY(auto released, launches_.answer(image, seed, request.question_id(), as_bytes(request.answer()),
                                              decision.storage_key_name));
  SEALIFT_CHECK(revocations_.check(image, released.hardware_key_hash));
  decision.outcome = released.again ? "returned" : "released";
  v1::AnswerQuestionResponse response;
  *response.mutable_launch_secret() = std::move(released.secret);
  return response;
}

Result<v1::SealedData> SecurityModule::seal(Decision& decision, const ImageKey& image, const OpenedSeed& seed,
                                            const tee::VerifiedStorageKey& storage_key,
                                            const crypto::Digest& hardware_key_hash) {
  decision.outcome = "returned";
  SEALIFT_TRY(auto sealed, authorizations_.find(image, seed, storage_key));
  if (!sealed) {
    SEALIFT_TRY(auto made, authorizations_.make(image, seed, storage_key));
    if (made.made) decision.outcome = "made";
    sealed = std::move(made.sealed_data);
  }
  // Once more, so that what is revoked while this takes its time does not leave.
  SEALIFT_CHECK(revocations_.check(image, hardware_key_hash, storage_key.name()));
  return *std::move(sealed);
}

}  // namespace sealift::securitymodule
