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

tee::MeasuredHost genuine(const ImagePolicy& policy) {
  return policy.verify(tee::host().evidence(), test_pki::now()).value();
}

TEST(ImagePolicyTest, TakesAHostInAnyOfTheStatesItNames) {
  auto policy = policy_for_test();
  policy.clear_approved_pcrs();
  for (const auto* const name : {"older", "newer"}) {
    auto& reference = *policy.add_references();
    reference.set_name(name);
    reference.set_pcrs("sha256:6=" + std::string(64, name[0] == 'o' ? '1' : '2'));
  }
  EXPECT_THAT(ImagePolicy::check(policy)->verify(tee::host().evidence(), test_pki::now()),
              FailsWith(ErrorCode::storage_key_policy_differs));
  auto& third = *policy.add_references();
  third.set_name("the host's own");
  third.set_pcrs(tpm::some_pcrs().text());
  const auto host = genuine(ImagePolicy::check(policy).value());
  EXPECT_EQ(host.key.approved(), tpm::some_pcrs());
}

TEST(ImagePolicyTest, TakesTheMachinesThatItNamesAlone) {
  const auto identity = genuine(ImagePolicy::check(policy_for_test()).value()).platform.identity();
  const auto hash = genuine(ImagePolicy::check(policy_for_test()).value()).platform.hardware_key_hash();
  const auto verify = [](const v1::SeedPolicy& policy) {
    return ImagePolicy::check(policy)->verify(tee::host().evidence(), test_pki::now());
  };
  auto policy = policy_for_test();
  policy.add_hardware_keys(std::string(32, 'x'));
  EXPECT_THAT(verify(policy), FailsAt(ErrorCode::failed_precondition, "policy.hardware_keys"));
  policy.add_hardware_keys(text_of(hash.view()));
  EXPECT_THAT(verify(policy), Succeeds());
  policy.add_models("id:00000000");
  EXPECT_THAT(verify(policy), FailsAt(ErrorCode::failed_precondition, "policy.models"));
  policy.add_models(identity.manufacturer + "/" + identity.model);
  EXPECT_THAT(verify(policy), Succeeds());
}

TEST(ImagePolicyTest, HoldsFromOneTimeToAnother) {
  auto policy = policy_for_test();
  policy.set_not_before(1000);
  policy.set_not_after(2000);
  const auto checked = ImagePolicy::check(policy).value();
  const auto at = [&](int seconds) { return checked.allow_time(TimePoint{std::chrono::seconds{seconds}}); };
  EXPECT_THAT(at(999), FailsAt(ErrorCode::failed_precondition, "policy.not_before"));
  EXPECT_THAT(at(1000), Succeeds());
  EXPECT_THAT(at(1999), Succeeds());
  EXPECT_THAT(at(2000), FailsAt(ErrorCode::failed_precondition, "policy.not_after"));
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
      {"pef hosts that no firmware provisioned", kArgument, "policy.profile",
       [](auto& p) {
         p.add_tees("pef");
         p.set_profile("owner");
       }},
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
      {"PCRs beside references", kArgument, "policy.approved_pcrs",
       [](auto& p) { p.add_references()->set_name("a"); }},
      {"a reference without a name", kArgument, "policy.references[0].name",
       [](auto& p) {
         p.clear_approved_pcrs();
         p.add_references();
       }},
      {"two references of one name", kArgument, "policy.references[1].name",
       [](auto& p) {
         for (int i = 0; i < 2; ++i) {
           p.add_references()->set_name("a");
           p.mutable_references(i)->set_pcrs(tpm::some_pcrs().text());
         }
         p.clear_approved_pcrs();
       }},
      {"a reference that is none", kArgument, "policy.references[0].pcrs",
       [](auto& p) {
         p.clear_approved_pcrs();
         p.add_references()->set_name("a");
       }},
      {"an approver that is none", kArgument, "policy.approver", [](auto& p) { p.set_approver("0123"); }},
      {"an approver in PEM", kArgument, "policy.approver",
       [&](auto& p) { p.set_approver(tpm::fresh_key(tpm::KeyKind::p256).public_key().pem()); }},
      {"an approver of another curve", kArgument, "policy.approver",
       [&](auto& p) { p.set_approver(text_of(tpm::fresh_key(tpm::KeyKind::p384).public_key().der())); }},
      {"an empty model", kArgument, "policy.models[0]", [](auto& p) { p.add_models(""); }},
      {"a short hardware key", kArgument, "policy.hardware_keys[0]",
       [](auto& p) { p.add_hardware_keys("0123"); }},
      {"a window that never opens", kArgument, "policy.not_after",
       [](auto& p) {
         p.set_not_before(5);
         p.set_not_after(5);
       }},
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
