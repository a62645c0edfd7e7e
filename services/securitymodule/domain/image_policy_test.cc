// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/image_policy.h"

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

TEST(ImagePolicyTest, TakesACompletePolicyAndReadsItBack) {
  const auto policy = ImagePolicy::check(policy_for_test());
  ASSERT_THAT(policy, Succeeds());
  const auto again = ImagePolicy::read(policy->document());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->document(), policy->document());
  EXPECT_EQ(again->sealing_policy(), policy->sealing_policy());
}

TEST(ImagePolicyTest, HasOneSpelling) {
  auto shouted = policy_for_test();
  shouted.set_approved_pcrs("sha256:6=" + std::string(64, 'A'));
  EXPECT_EQ(ImagePolicy::check(shouted).value().document(),
            ImagePolicy::check(policy_for_test()).value().document());
}

TEST(ImagePolicyTest, ForgetsWhatItDoesNotKnow) {
  auto policy = policy_for_test();
  policy.GetReflection()->MutableUnknownFields(&policy)->AddVarint(4711, 1);
  EXPECT_EQ(ImagePolicy::check(policy).value().document(),
            ImagePolicy::check(policy_for_test()).value().document());
}

TEST(ImagePolicyTest, AllowsTheKindsOfHostItNames) {
  const auto policy = ImagePolicy::check(policy_for_test()).value();
  EXPECT_THAT(policy.allow("measured"), Succeeds());
  EXPECT_THAT(policy.allow("sev"), FailsAt(ErrorCode::failed_precondition, "tee"));
  EXPECT_THAT(policy.allow(""), FailsAt(ErrorCode::failed_precondition, "tee"));
}

struct Fault {
  std::string name;
  ErrorCode code;
  std::string field;
  std::function<void(v1::SeedPolicy&)> change;
};

std::vector<Fault> faults() {
  constexpr auto kArgument = ErrorCode::invalid_argument;
  const auto& pki = test_pki::pki();
  return {
      {"no kind of host", kArgument, "policy.tees", [](auto& p) { p.clear_tees(); }},
      {"unknown kind of host", kArgument, "policy.tees[1]", [](auto& p) { p.add_tees("sev"); }},
      {"one kind twice", kArgument, "policy.tees[1]", [](auto& p) { p.add_tees("measured"); }},
      {"very many kinds", kArgument, "policy.tees",
       [](auto& p) {
         for (int i = 0; i < 100; ++i) p.add_tees("measured");
       }},
      {"no root", kArgument, "policy.trusted_roots", [](auto& p) { p.clear_trusted_roots(); }},
      {"a root that is none", ErrorCode::malformed, "policy.trusted_roots[1]",
       [](auto& p) { p.add_trusted_roots("not a certificate"); }},
      {"an empty root", ErrorCode::truncated, "policy.trusted_roots[1]",
       [](auto& p) { p.add_trusted_roots(""); }},
      {"a root in PEM", kArgument, "policy.trusted_roots[0]",
       [&](auto& p) { p.set_trusted_roots(0, pki.root.certificate().pem()); }},
      {"a root with a tail", ErrorCode::malformed, "policy.trusted_roots[0]",
       [](auto& p) { p.set_trusted_roots(0, p.trusted_roots(0) + "x"); }},
      {"a root that is no CA", ErrorCode::certificate_usage_refused, "policy.trusted_roots",
       [&](auto& p) { p.set_trusted_roots(0, text_of(pki.ek_certificate.der())); }},
      {"very many roots", kArgument, "policy.trusted_roots",
       [](auto& p) {
         for (int i = 0; i < kMaxRoots; ++i) p.add_trusted_roots(p.trusted_roots(0));
       }},
      {"an intermediate that is none", ErrorCode::malformed, "policy.intermediates[0]",
       [](auto& p) { p.set_intermediates(0, "0123"); }},
      {"very many intermediates", kArgument, "policy.intermediates",
       [](auto& p) {
         for (int i = 0; i < kMaxIntermediates; ++i) p.add_intermediates(p.intermediates(0));
       }},
      {"a list that is none", ErrorCode::malformed, "policy.crls[1]", [](auto& p) { p.set_crls(1, "0123"); }},
      {"very many lists", kArgument, "policy.crls",
       [](auto& p) {
         for (int i = 0; i < kMaxCrls; ++i) p.add_crls(p.crls(0));
       }},
      {"lists required and none given", kArgument, "policy.crls", [](auto& p) { p.clear_crls(); }},
      {"no profile", kArgument, "policy.profile", [](auto& p) { p.clear_profile(); }},
      {"unknown profile", kArgument, "policy.profile", [](auto& p) { p.set_profile("bios"); }},
      {"no PCRs", kArgument, "policy.approved_pcrs", [](auto& p) { p.clear_approved_pcrs(); }},
      {"PCRs without values", kArgument, "policy.approved_pcrs",
       [](auto& p) { p.set_approved_pcrs("sha256:6"); }},
      {"a short PCR", kArgument, "policy.approved_pcrs", [](auto& p) { p.set_approved_pcrs("sha256:6=aa"); }},
      {"very many PCRs", kArgument, "policy.approved_pcrs",
       [](auto& p) { p.set_approved_pcrs(std::string(kMaxPcrText + 1, 'a')); }},
      {"a large policy", ErrorCode::too_large, "policy",
       [](auto& p) { p.add_crls(std::string(kMaxPolicySize, 'a')); }},
  };
}

TEST(ImagePolicyTest, NamesEachFault) {
  for (const auto& fault : faults()) {
    auto policy = policy_for_test();
    fault.change(policy);
    EXPECT_THAT(ImagePolicy::check(policy), FailsAt(fault.code, fault.field)) << fault.name;
  }
}

TEST(ImagePolicyTest, RefusesDocumentsThatEndEarlyOrAreAltered) {
  const auto document = ImagePolicy::check(policy_for_test()).value().document();
  for (std::size_t size = 0; size < document.size(); ++size) {
    const auto part = ImagePolicy::read(ByteView{document}.first(size));
    EXPECT_FALSE(part) << size;
  }
}

}  // namespace
}  // namespace sealift::securitymodule
