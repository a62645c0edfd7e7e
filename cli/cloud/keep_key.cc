// SPDX-License-Identifier: Apache-2.0
#include "cli/cloud/keep_key.h"

#include <fmt/core.h>

#include "cli/cancellation.h"
#include "tpm/credential.h"
#include "tpm/seal.h"

namespace sealift::cli {
namespace {

constexpr std::string_view kService = "sealift.v1.LaunchService.";
std::string method(const char* name) { return std::string{kService} + name; }

/// Times that a call may time out.
constexpr int kPatience = 30;

std::string text(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

/// What says nothing about the target: the cloud or the launch, which another target would not mend.
bool is_of_the_relay(const Error& error) {
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
    case ErrorCode::not_found:
      return true;
    case ErrorCode::failed_precondition:
      return error.field != "question";  // it loaded the image for somebody else
    default:
      return false;
  }
}

/// Of measured and pef hosts, which both prove themselves by a TPM.
class TpmProver final : public Prover {
 public:
  TpmProver(std::string tee, tee::MeasuredPolicy policy, esm::Seed seed, const Clock& clock)
      : tee_{std::move(tee)}, policy_{std::move(policy)}, seed_{std::move(seed)}, clock_{clock} {}
  std::string_view tee() const noexcept override { return tee_; }

  Result<v1::AuthorizeTargetRequest> prove(ByteView evidence, const Ask& ask) override {
    SEALIFT_TRY(auto challenge, tee::challenge_measured_host(evidence, policy_, clock_.now()));
    SEALIFT_TRY(const auto answer, ask(tpm::credential_file(challenge.credential())));
    SEALIFT_TRY(const auto host, challenge.finish(answer, clock_.now()));

    const auto policy = policy_.approved.sealing_policy();
    SEALIFT_TRY(const auto sealed, host.storage_key().seal(seed_.expose(), policy));
    v1::AuthorizeTargetRequest request;
    auto& data = *request.mutable_sealed_data();
    data.set_storage_key_name(text(host.storage_key_name().view()));
    data.set_policy(text(policy.view()));
    data.set_public_area(text(sealed.public_area));
    data.set_duplicate(text(sealed.duplicate));
    data.set_seed(text(sealed.seed));
    return request;
  }

 private:
  std::string tee_;
  tee::MeasuredPolicy policy_;
  esm::Seed seed_;
  const Clock& clock_;
};

}  // namespace

KeyKeeper::KeyKeeper(rpc::Channel& frontend, tee::MeasuredPolicy policy, esm::Seed seed, const Clock& clock,
                     std::string tee)
    : KeyKeeper{frontend,
                std::make_unique<TpmProver>(std::move(tee), std::move(policy), std::move(seed), clock)} {}

Status KeyKeeper::serve(const std::string& launch_id) {
  v1::GetTargetRequest asked;
  asked.set_launch_id(launch_id);
  SEALIFT_TRY(const auto target, frontend_.call<v1::Target>(method("GetTarget"), asked));
  auto request = prove(launch_id, target);
  if (!request) {
    if (is_of_the_relay(request.error())) return tl::unexpected(request.error());
    return refuse(launch_id, target, request.error());
  }
  request->set_launch_id(launch_id);
  request->set_attempt(target.attempt());
  SEALIFT_CHECK(frontend_.call<v1::Launch>(method("AuthorizeTarget"), *request));
  return {};
}

Result<v1::AuthorizeTargetRequest> KeyKeeper::prove(const std::string& launch_id, const v1::Target& target) {
  if (target.tee() != prover_->tee())
    return fail(ErrorCode::unsupported,
                fmt::format("this image is for {} hosts, not {}", prover_->tee(), target.tee()), "tee");
  return prover_->prove(as_bytes(target.evidence()),
                        [&](ByteView question) { return ask(launch_id, target, question); });
}

Result<Bytes> KeyKeeper::ask(const std::string& launch_id, const v1::Target& target, ByteView question) {
  v1::ChallengeTargetRequest request;
  request.set_launch_id(launch_id);
  request.set_attempt(target.attempt());
  request.set_question(text(question));
  for (int tries = 1;; ++tries) {
    const auto answer = frontend_.call<v1::ChallengeTargetResponse>(method("ChallengeTarget"), request);
    if (answer) return to_bytes(as_bytes(answer->answer()));
    const bool waits = answer.error().code == ErrorCode::timeout && prover_->is_answered_late();
    if (!waits || tries == kPatience) return tl::unexpected(answer.error());
    SEALIFT_CHECK(check_not_cancelled());
  }
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
  // What the owner's own image should have been, no other host will make it.
  request.set_try_another(why.code != ErrorCode::launch_measurement_differs);
  SEALIFT_CHECK(frontend_.call<v1::Launch>(method("RefuseTarget"), request));
  return {};
}

}  // namespace sealift::cli
