// SPDX-License-Identifier: Apache-2.0
/// For tests: security modules on a database of their own, and hosts that ask them.
#pragma once

#include <gtest/gtest.h>

#include <mutex>

#include "base/file.h"
#include "base/matchers.h"
#include "services/securitymodule/domain/security_module.h"
#include "store/schemas.h"
#include "tee/host_for_test.h"

namespace sealift::securitymodule {

inline constexpr const char* kTenant = "acme";
inline constexpr const char* kOtherTenant = "umbrella";
inline constexpr const char* kImage = "000102030405060708090a0b0c0d0e0f";
inline constexpr const char* kOtherImage = "ffffffffffffffffffffffffffffffff";

class LogForTest final : public DecisionLog {
 public:
  struct Line {
    Decision decision;
    std::optional<Error> refusal;
  };
  Result<Bytes> record(const Decision& decision, const Error* refusal) override {
    const std::lock_guard lock{mutex_};
    lines_.push_back({decision, refusal == nullptr ? std::nullopt : std::optional{*refusal}});
    return Bytes{};
  }
  Result<std::vector<Bytes>> record_all(const std::vector<Decided>& decided) override {
    for (const auto& one : decided) (void)record(one.decision, one.refusal ? &*one.refusal : nullptr);
    return std::vector<Bytes>(decided.size());
  }
  std::vector<Line> lines() const {
    const std::lock_guard lock{mutex_};
    return lines_;
  }
  auto count(std::string_view outcome) const {
    const auto all = lines();
    return std::ranges::count_if(
        all, [&](const Line& line) { return !line.refusal && line.decision.outcome == outcome; });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

/// The ports on one database.
struct StoresForTest {
  explicit StoresForTest(const std::string& url)
      : database{store::open(url, store::Schema::keys).value()},
        seeds{store::make_seed_store(*database)},
        authorizations{store::make_authorization_store(*database)},
        enrolments{store::make_enrolment_store(*database)},
        challenges{store::make_challenge_store(*database)},
        revocations{store::make_revocation_store(*database)},
        sets{store::make_host_set_store(*database)},
        verdicts{store::make_verdict_store(*database)} {}
  Stores all() const {
    return {*seeds, *authorizations, *enrolments, *challenges, *revocations, *sets, *verdicts};
  }

  std::unique_ptr<sql::Database> database;
  std::unique_ptr<store::SeedStore> seeds;
  std::unique_ptr<store::AuthorizationStore> authorizations;
  std::unique_ptr<store::EnrolmentStore> enrolments;
  std::unique_ptr<store::ChallengeStore> challenges;
  std::unique_ptr<store::RevocationStore> revocations;
  std::unique_ptr<store::HostSetStore> sets;
  std::unique_ptr<store::VerdictStore> verdicts;
};

inline RootKey root_key_of(std::uint8_t fill) {
  std::array<std::uint8_t, kRootKeySize> bytes{};
  bytes.fill(fill);
  return RootKey{std::span<std::uint8_t, kRootKeySize>{bytes}};
}

/// One replica.
struct ReplicaForTest {
  ReplicaForTest(const std::string& url, const Clock& clock, DecisionLog& log, std::uint8_t root_key = 7)
      : stores{url},
        vault{root_key_of(root_key)},
        sm{{kTenant, kOtherTenant}, stores.all(), vault, clock, limits, log} {}

  Limits limits;
  StoresForTest stores;
  Vault vault;
  SecurityModule sm;
};

inline SecretBytes seed_of(std::uint8_t fill) {
  SecretBytes seed{esm::kSeedSize};
  std::ranges::fill(seed.expose_for_writing(), fill);
  return seed;
}

inline esm::Seed taken_seed(std::uint8_t fill) {
  auto bytes = seed_of(fill);
  return esm::Seed{bytes.expose_for_writing().first<esm::kSeedSize>()};
}

inline std::string text_of(ByteView bytes) { return std::string{as_text(bytes)}; }

inline v1::SeedPolicy policy_for(const crypto::TrustInput& trust, const tpm::PcrValues& approved) {
  v1::SeedPolicy policy;
  policy.add_tees("measured");
  for (const auto& root : trust.roots) policy.add_trusted_roots(text_of(root.der()));
  for (const auto& certificate : trust.intermediates) policy.add_intermediates(text_of(certificate.der()));
  for (const auto& list : trust.crls) policy.add_crls(text_of(list.der()));
  policy.set_require_crl(trust.crl_policy == crypto::CrlPolicy::required);
  policy.set_profile("firmware");
  policy.set_approved_pcrs(approved.text());
  return policy;
}
inline v1::SeedPolicy policy_for_test() { return policy_for(test_pki::pki().trust(), tpm::some_pcrs()); }

inline Asker asker(const std::string& tenant = kTenant) {
  return {tenant, "spiffe://example/tenant/" + tenant, "0123"};
}

class SecurityModuleTest : public testing::Test {
 protected:
  Status put(SecurityModule& to, const std::string& image = kImage, std::uint8_t seed = 1,
             const v1::SeedPolicy& policy = policy_for_test(), const std::string& tenant = kTenant) {
    v1::PutSeedRequest request;
    request.set_image_id(image);
    *request.mutable_policy() = policy;
    return to.put_seed(asker(tenant), request, seed_of(seed));
  }
  static Result<v1::RequestAuthorizationResponse> ask(SecurityModule& to, ByteView evidence,
                                                      const std::string& image = kImage,
                                                      const std::string& tenant = kTenant) {
    v1::RequestAuthorizationRequest request;
    request.set_tenant(tenant);
    request.set_image_id(image);
    request.set_tee("measured");
    request.set_evidence(text_of(evidence));
    return to.request_authorization(asker(tenant), request);
  }
  static Result<v1::AnswerQuestionResponse> answer(SecurityModule& to, const v1::Question& question,
                                                   ByteView answer, const std::string& image = kImage,
                                                   const std::string& tenant = kTenant) {
    v1::AnswerQuestionRequest request;
    request.set_tenant(tenant);
    request.set_image_id(image);
    request.set_question_id(question.question_id());
    request.set_answer(text_of(answer));
    return to.answer_question(asker(tenant), request);
  }
  static Bytes answer_of(const tee::HostForTest& host, const v1::Question& question) {
    return host.activate(tpm::parse_credential_file(as_bytes(question.question())).value()).value();
  }
  /// The whole enrolment.
  static Result<v1::AnswerQuestionResponse> enrol(SecurityModule& to, const tee::HostForTest& host,
                                                  const std::string& image = kImage,
                                                  const std::string& tenant = kTenant) {
    SEALIFT_TRY(const auto asked, ask(to, host.evidence(), image, tenant));
    return answer(to, asked.question(), answer_of(host, asked.question()), image, tenant);
  }

  const std::string& url() const { return url_; }
  LogForTest log;
  FakeClock clock{test_pki::now()};

 private:
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::string url_ = "sqlite:" + (directory_.path() / "keys.db").string();

 protected:
  ReplicaForTest replica{url_, clock, log};
  SecurityModule& sm = replica.sm;
};

}  // namespace sealift::securitymodule
