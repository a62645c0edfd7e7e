// SPDX-License-Identifier: Apache-2.0
// Sixty faults and more, each injected alone into what works otherwise: the security module names the right
// one.
#include <fmt/core.h>

#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

using tee::host;
using tee::HostForTest;

Bytes evidence_of(const Bytes& certificate, const tpm::Public& ek, const tpm::Public& key,
                  const std::string& profile = "firmware") {
  return to_bytes(as_bytes(tpm::to_json(tpm::Evidence{profile, {certificate}, ek, key})));
}

/// What a host and its relay bring, and the policy that it meets.
struct Scene {
  v1::SeedPolicy policy = policy_for_test();
  Bytes evidence = host().evidence();
  std::string tee = "measured";
  std::string image = kImage;
  /// Of the answer; empty: the right one.
  std::function<Bytes(const v1::Question&)> answer;
  std::function<void(SecurityModule&)> before_answer;
  std::chrono::seconds later{0};  ///< between question and answer
};

struct Fault {
  std::string name;
  ErrorCode code;
  std::string field;
  std::function<void(Scene&)> inject;
};

tpm::Public area_with(const tpm::Public& key, const std::function<void(TPMT_PUBLIC&)>& change) {
  return tee::changed(key, change);
}

Fault of_ek(const char* field, const std::function<void(TPMT_PUBLIC&)>& change) {
  return {
      std::string{"EndorsementKeys"} + field, ErrorCode::ek_template_differs, field, [change](Scene& scene) {
        scene.evidence =
            evidence_of(host().ek_certificate.der(), area_with(host().ek_public, change), host().storage_key);
      }};
}

Fault of_storage_key(const char* field, ErrorCode code, const std::function<void(TPMT_PUBLIC&)>& change) {
  return {std::string{"StorageKeys"} + field, code, field, [change](Scene& scene) {
            scene.evidence = evidence_of(host().ek_certificate.der(), host().ek_public,
                                         area_with(host().storage_key, change));
          }};
}

void flip_ek_bits(std::vector<Fault>& faults) {
  const auto flip = [&](const char* field, TPMA_OBJECT bit) {
    faults.push_back(of_ek(field, [bit](TPMT_PUBLIC& area) { area.objectAttributes ^= bit; }));
  };
  flip("fixedTPM", TPMA_OBJECT_FIXEDTPM);
  flip("fixedParent", TPMA_OBJECT_FIXEDPARENT);
  flip("sensitiveDataOrigin", TPMA_OBJECT_SENSITIVEDATAORIGIN);
  flip("userWithAuth", TPMA_OBJECT_USERWITHAUTH);
  flip("adminWithPolicy", TPMA_OBJECT_ADMINWITHPOLICY);
  flip("restricted", TPMA_OBJECT_RESTRICTED);
  flip("decrypt", TPMA_OBJECT_DECRYPT);
  flip("sign", TPMA_OBJECT_SIGN_ENCRYPT);
  faults.push_back(of_ek("authPolicy", [](TPMT_PUBLIC& area) { area.authPolicy.buffer[0] ^= 1U; }));
}

void flip_storage_key_bits(std::vector<Fault>& faults) {
  const auto flip = [&](const char* field, TPMA_OBJECT bit) {
    faults.push_back(of_storage_key(field, ErrorCode::storage_key_attributes_refused,
                                    [bit](TPMT_PUBLIC& area) { area.objectAttributes ^= bit; }));
  };
  flip("fixedTPM", TPMA_OBJECT_FIXEDTPM);
  flip("stClear", TPMA_OBJECT_STCLEAR);
  flip("fixedParent", TPMA_OBJECT_FIXEDPARENT);
  flip("sensitiveDataOrigin", TPMA_OBJECT_SENSITIVEDATAORIGIN);
  flip("userWithAuth", TPMA_OBJECT_USERWITHAUTH);
  flip("adminWithPolicy", TPMA_OBJECT_ADMINWITHPOLICY);
  flip("encryptedDuplication", TPMA_OBJECT_ENCRYPTEDDUPLICATION);
  flip("restricted", TPMA_OBJECT_RESTRICTED);
  flip("decrypt", TPMA_OBJECT_DECRYPT);
  flip("sign", TPMA_OBJECT_SIGN_ENCRYPT);
  faults.push_back(of_storage_key("authPolicy", ErrorCode::storage_key_policy_differs,
                                  [](TPMT_PUBLIC& area) { area.authPolicy.buffer[0] ^= 1U; }));
}

void alter_the_policy(std::vector<Fault>& faults) {
  const auto add = [&](const char* name, ErrorCode code, const char* field,
                       std::function<void(v1::SeedPolicy&)> change) {
    faults.push_back({name, code, field, [change](Scene& scene) { change(scene.policy); }});
  };
  const auto refused = ErrorCode::failed_precondition;
  add("ThePolicyBeginsTomorrow", refused, "policy.not_before",
      [](auto& policy) { policy.set_not_before(test_pki::kNow + 86400); });
  add("ThePolicyEndedYesterday", refused, "policy.not_after",
      [](auto& policy) { policy.set_not_after(test_pki::kNow - 86400); });
  add("ThePolicyNamesAnotherModel", refused, "policy.models",
      [](auto& policy) { policy.add_models("ACME/M1"); });
  add("ThePolicyNamesAnotherHardwareKey", refused, "policy.hardware_keys",
      [](auto& policy) { policy.add_hardware_keys(std::string(32, 'h')); });
  add("ThePolicyApprovesOfAnotherState", ErrorCode::storage_key_policy_differs, "authPolicy",
      [](auto& policy) { policy.set_approved_pcrs("sha256:6=" + std::string(64, 'b')); });
  add("ThePolicyApprovesOfAnotherPcr", ErrorCode::storage_key_policy_differs, "authPolicy",
      [](auto& policy) { policy.set_approved_pcrs("sha256:7=" + std::string(64, 'b')); });
  add("NoneOfTwoReferencesIsTheState", ErrorCode::storage_key_policy_differs, "authPolicy", [](auto& policy) {
    policy.clear_approved_pcrs();
    for (const auto* one : {"c", "d"}) {
      auto& reference = *policy.add_references();
      reference.set_name(one);
      reference.set_pcrs("sha256:6=" + std::string(64, one[0]));
    }
  });
}

/// Of what relays bring.
void alter_the_request(std::vector<Fault>& faults) {
  const auto add = [&](const char* name, ErrorCode code, const char* field,
                       std::function<void(Scene&)> inject) {
    faults.push_back({name, code, field, std::move(inject)});
  };
  add("AnImageThatIsNotThere", ErrorCode::not_found, "image_id",
      [](auto& scene) { scene.image = kOtherImage; });
  add("NoImage", ErrorCode::invalid_argument, "image_id", [](auto& scene) { scene.image = "image"; });
  add("AnotherKindOfHost", ErrorCode::failed_precondition, "tee", [](auto& scene) { scene.tee = "sev"; });
  add("NoKindOfHost", ErrorCode::failed_precondition, "tee", [](auto& scene) { scene.tee = ""; });
  add("AnotherTpmsEndorsementKey", ErrorCode::ek_key_differs, "endorsement_key", [](auto& scene) {
    static const HostForTest kOther;
    scene.evidence = evidence_of(host().ek_certificate.der(), kOther.ek_public, host().storage_key);
  });
  add("AWrongAnswer", ErrorCode::challenge_response_differs, "response",
      [](auto& scene) { scene.answer = [](const v1::Question&) { return Bytes(32, 1); }; });
  add("AnEmptyAnswer", ErrorCode::challenge_response_differs, "response",
      [](auto& scene) { scene.answer = [](const v1::Question&) { return Bytes{}; }; });
  add("AnAnswerThatComesTooLate", ErrorCode::challenge_expired, "expires_at",
      [](auto& scene) { scene.later = std::chrono::seconds{301}; });
  add("ARevokedHost", ErrorCode::failed_precondition, "storage_key", [](auto& scene) {
    scene.before_answer = [](SecurityModule& sm) {
      v1::Revocation revocation;
      revocation.set_kind(v1::REVOCATION_KIND_HOST);
      revocation.set_subject(text_of(host().storage_key.name().view()));
      ASSERT_THAT(sm.revoke(asker(), revocation), Succeeds());
    };
  });
  add("ARevokedImage", ErrorCode::failed_precondition, "image_id", [](auto& scene) {
    scene.before_answer = [](SecurityModule& sm) {
      v1::Revocation revocation;
      revocation.set_kind(v1::REVOCATION_KIND_IMAGE);
      revocation.set_subject(text_of(from_hex(kImage).value()));
      ASSERT_THAT(sm.revoke(asker(), revocation), Succeeds());
    };
  });
  add("ASeedThatIsDeletedMeanwhile", ErrorCode::not_found, "image_id", [](auto& scene) {
    scene.before_answer = [](SecurityModule& sm) {
      v1::DeleteSeedRequest request;
      request.set_image_id(kImage);
      ASSERT_THAT(sm.delete_seed(asker(), request), Succeeds());
    };
  });
}

void add_certificates(std::vector<Fault>& faults, const std::vector<test_pki::Exhibit>& exhibits) {
  for (const auto& exhibit : exhibits) {
    const auto inject = [exhibit](Scene& scene) {
      scene.policy = policy_for(exhibit.trust, tpm::some_pcrs());
      scene.evidence = evidence_of(exhibit.certificate, host().ek_public, host().storage_key);
    };
    // The customer hears of lists that they require and do not give as soon as they insert the policy.
    const bool is_the_policys =
        exhibit.trust.crl_policy == crypto::CrlPolicy::required && exhibit.trust.crls.empty();
    faults.push_back({"Certificate" + exhibit.name,
                      is_the_policys ? ErrorCode::invalid_argument : exhibit.code,
                      is_the_policys ? "policy.crls" : exhibit.field, inject});
  }
}

std::vector<Fault> all_faults() {
  std::vector<Fault> faults;
  alter_the_request(faults);
  alter_the_policy(faults);
  flip_ek_bits(faults);
  flip_storage_key_bits(faults);
  add_certificates(faults, test_pki::bad_chains());
  add_certificates(faults, test_pki::bad_usages());
  return faults;
}

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class FaultsTest : public SecurityModuleTest, public testing::WithParamInterface<Fault> {
 protected:
  /// From the insertion to the sealed data, or to the first refusal.
  Status run(const Scene& scene) {
    SEALIFT_CHECK(put(sm, kImage, 1, scene.policy));
    v1::RequestAuthorizationRequest request;
    request.set_tenant(kTenant);
    request.set_image_id(scene.image);
    request.set_tee(scene.tee);
    request.set_evidence(text_of(scene.evidence));
    SEALIFT_TRY(const auto asked, sm.request_authorization(asker(), request));
    if (scene.before_answer) scene.before_answer(sm);
    clock.advance(scene.later);
    const auto& question = asked.question();
    SEALIFT_CHECK(answer(sm, question, scene.answer ? scene.answer(question) : answer_of(host(), question)));
    return {};
  }
};

TEST_P(FaultsTest, IsNamedAndIsTheReasonInTheLog) {
  const auto& fault = GetParam();
  Scene scene;
  fault.inject(scene);
  const auto outcome = run(scene);
  ASSERT_FALSE(outcome) << "nobody notices";
  EXPECT_EQ(name(outcome.error().code), name(fault.code)) << outcome.error().message;
  EXPECT_EQ(outcome.error().field, fault.field) << outcome.error().message;
  const auto last = log.lines().back();
  ASSERT_TRUE(last.refusal.has_value());
  EXPECT_EQ(last.refusal->code, fault.code);
  EXPECT_EQ(log.count("made"), 0);
}
INSTANTIATE_TEST_SUITE_P(All, FaultsTest, testing::ValuesIn(all_faults()),
                         [](const auto& test) { return test.param.name; });

TEST_F(SecurityModuleTest, InjectsSixtyFaultsAndMore) { EXPECT_GE(all_faults().size(), 60U); }

TEST_F(SecurityModuleTest, SealsWhereNoFaultIsInjected) {
  ASSERT_THAT(put(sm), Succeeds());
  ASSERT_THAT(enrol(sm, host()), Succeeds());
  EXPECT_EQ(log.count("made"), 1);
}

}  // namespace
}  // namespace sealift::securitymodule
