// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/keep_key.h"

#include "tpm/credential.h"
#include "tpm/seal.h"

namespace sealift::cli {
namespace {

constexpr std::string_view kService = "sealift.v1.LaunchService.";
std::string method(const char* name) { return std::string{kService} + name; }

std::string text(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

/// What says nothing about the target: the cloud or the launch, which another target would not mend.
bool is_of_the_relay(const Error& error) {
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
    case ErrorCode::failed_precondition:
    case ErrorCode::not_found:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status KeyKeeper::serve(const std::string& launch_id) {
  v1::GetTargetRequest asked;
  asked.set_launch_id(launch_id);
  SEALIFT_TRY(const auto target, frontend_.call<v1::Target>(method("GetTarget"), asked));
  const auto sealed = prove_and_seal(launch_id, target);
  if (!sealed) {
    if (is_of_the_relay(sealed.error())) return tl::unexpected(sealed.error());
    return refuse(launch_id, target, sealed.error());
  }
  v1::AuthorizeTargetRequest request;
  request.set_launch_id(launch_id);
  request.set_attempt(target.attempt());
  *request.mutable_sealed_data() = *sealed;
  SEALIFT_CHECK(frontend_.call<v1::Launch>(method("AuthorizeTarget"), request));
  return {};
}

Result<v1::SealedData> KeyKeeper::prove_and_seal(const std::string& launch_id, const v1::Target& target) {
  if (target.tee() != "measured")
    return fail(ErrorCode::unsupported, "this tool proves measured hosts only, not " + target.tee(), "tee");
  SEALIFT_TRY(auto challenge,
              tee::challenge_measured_host(as_bytes(target.evidence()), policy_, clock_.now()));
  v1::ChallengeTargetRequest question;
  question.set_launch_id(launch_id);
  question.set_attempt(target.attempt());
  question.set_question(text(tpm::credential_file(challenge.credential())));
  SEALIFT_TRY(const auto answer,
              frontend_.call<v1::ChallengeTargetResponse>(method("ChallengeTarget"), question));
  SEALIFT_TRY(const auto host, challenge.finish(as_bytes(answer.answer()), clock_.now()));

  const auto policy = policy_.approved.sealing_policy();
  SEALIFT_TRY(const auto sealed, host.storage_key().seal(seed_.expose(), policy));
  v1::SealedData data;
  data.set_storage_key_name(text(host.storage_key_name().view()));
  data.set_policy(text(policy.view()));
  data.set_public_area(text(sealed.public_area));
  data.set_duplicate(text(sealed.duplicate));
  data.set_seed(text(sealed.seed));
  return data;
}

Status KeyKeeper::refuse(const std::string& launch_id, const v1::Target& target, const Error& why) {
  v1::RefuseTargetRequest request;
  request.set_launch_id(launch_id);
  request.set_attempt(target.attempt());
  request.mutable_refusal()->set_code(std::string{name(why.code)});
  request.mutable_refusal()->set_field(why.field);
  request.mutable_refusal()->set_message(why.message);
  request.mutable_refusal()->set_expected(why.expected);
  request.mutable_refusal()->set_found(why.found);
  request.set_try_another(true);
  SEALIFT_CHECK(frontend_.call<v1::Launch>(method("RefuseTarget"), request));
  return {};
}

}  // namespace sealift::cli
