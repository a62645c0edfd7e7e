// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/sev_launches.h"

#include "services/securitymodule/domain/module_for_test.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/platform_for_test.h"

namespace sealift::securitymodule {
namespace {

constexpr sev::FirmwareVersion kFirmware{{0, 24}, 13};

class SevLaunchesTest : public testing::Test {
 protected:
  static const sev::PlatformForTest& machine() {
    static const auto platform = sev::PlatformForTest::make();
    return platform;
  }
  static crypto::Digest expected() { return sev::launch_digest(Bytes(100, 'f'), std::nullopt); }
  static v1::SeedPolicy policy() {
    v1::SeedPolicy policy;
    policy.add_tees("sev");
    auto& sev = *policy.mutable_sev();
    sev.add_trusted_arks(text_of(machine().root->pin().fingerprint.view()));
    sev.set_policy(3);
    sev.set_minimum_api_minor(24);
    sev.set_launch_digest(text_of(expected().view()));
    auto& suspect = *sev.add_suspects();
    suspect.set_launch_digest(text_of(sev::launch_digest(Bytes(100, 'o'), std::nullopt).view()));
    suspect.set_input("firmware");
    suspect.set_what("it was yesterday's build");
    return policy;
  }
  static SecretBytes table() {
    std::vector<sev::SecretEntry> entries;
    entries.push_back(
        {sev::Guid::parse(sev::kDiskKeyGuid).value(), SecretBytes::copy_of(as_bytes("passphrase"))});
    return sev::write_secret_table(entries).value();
  }
  Status put(const v1::SeedPolicy& policy, SecretBytes secret = table(), const std::string& image = kImage) {
    v1::PutSeedRequest request;
    request.set_image_id(image);
    *request.mutable_policy() = policy;
    return one_.sm.put_seed(asker(), request, std::move(secret));
  }
  static std::string evidence() {
    const auto c = machine().certificates();
    return to_json(sev::Evidence{kFirmware, to_bytes(c.pdh), to_bytes(c.pek), to_bytes(c.oca),
                                 to_bytes(c.cek), to_bytes(c.ask), to_bytes(c.ark)});
  }
  Result<v1::Question> ask(const std::string& evidence) {
    v1::RequestAuthorizationRequest request;
    request.set_tenant(kTenant);
    request.set_image_id(kImage);
    request.set_tee("sev");
    request.set_evidence(evidence);
    SEALIFT_TRY(const auto response, one_.sm.request_authorization(asker(), request));
    return response.question();
  }
  static sev::TransportKeys keys(const v1::Question& question) {
    const auto request = sev::parse_launch_request(as_bytes(question.question())).value();
    const auto godh = sev::Certificate::parse(request.godh, "godh").value();
    return sev::open_session(machine().pdh_key, godh, request.session, request.policy).value();
  }
  /// What an honest PSP answers that loaded `digest`.
  static Bytes measured(const v1::Question& question, const crypto::Digest& digest) {
    return to_bytes(sev::measure(keys(question).tik, kFirmware, sev::Policy{3}, digest, {4, 5}).bytes());
  }
  static Result<v1::LaunchSecret> answer(SecurityModule& to, const v1::Question& question, ByteView answer,
                                         const std::string& image = kImage) {
    v1::AnswerQuestionRequest request;
    request.set_tenant(kTenant);
    request.set_image_id(image);
    request.set_question_id(question.question_id());
    request.set_answer(text_of(answer));
    SEALIFT_TRY(const auto response, to.answer_question(asker(), request));
    EXPECT_FALSE(response.has_sealed_data());
    return response.launch_secret();
  }

  FakeClock clock_{TimePoint{std::chrono::seconds{1'800'000'000}}};
  LogForTest log_;
  const TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::string url_ = "sqlite:" + (directory_.path() / "sm.db").string();
  ReplicaForTest one_{url_, clock_, log_};
  ReplicaForTest two_{url_, clock_, log_};
};

TEST_F(SevLaunchesTest, GetTheirSecretAtWhicheverReplicaTheAnswerComes) {
  ASSERT_THAT(put(policy()), Succeeds());
  EXPECT_THAT(put(policy()), Succeeds());  // the same again
  const auto question = ask(evidence()).value();
  const auto measurement = measured(question, expected());
  const auto secret = answer(two_.sm, question, measurement);
  ASSERT_THAT(secret, Succeeds());
  const auto opened = sev::open_packet(keys(question), sev::Measurement::parse(measurement).value(),
                                       as_bytes(secret->header()), as_bytes(secret->payload()));
  ASSERT_THAT(opened, Succeeds());
  const auto plain = table();
  EXPECT_TRUE(opened->equals(plain.expose()));
  EXPECT_EQ(log_.lines().back().decision.outcome, "released");
  EXPECT_EQ(log_.lines().back().decision.storage_key_name.size(), 64U);
}

TEST_F(SevLaunchesTest, GetTheSamePacketAgainAndNeverAnother) {
  ASSERT_THAT(put(policy()), Succeeds());
  const auto question = ask(evidence()).value();
  const auto measurement = measured(question, expected());
  const auto first = answer(one_.sm, question, measurement).value();
  const auto again = answer(two_.sm, question, measurement).value();
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(log_.lines().back().decision.outcome, "returned");
  const auto other =
      to_bytes(sev::measure(keys(question).tik, kFirmware, sev::Policy{3}, expected(), {7}).bytes());
  EXPECT_THAT(answer(one_.sm, question, other), FailsAt(ErrorCode::challenge_used, "answer"));
  EXPECT_EQ(log_.count("released"), 1);
}

TEST_F(SevLaunchesTest, OfSomethingElseGetNothingAndSayWhatDiffers) {
  ASSERT_THAT(put(policy()), Succeeds());
  auto question = ask(evidence()).value();
  const auto yesterdays = measured(question, sev::launch_digest(Bytes(100, 'o'), std::nullopt));
  EXPECT_THAT(answer(one_.sm, question, yesterdays),
              FailsAt(ErrorCode::launch_measurement_differs, "firmware"));
  EXPECT_THAT(answer(one_.sm, question, measured(question, expected())),
              FailsAt(ErrorCode::challenge_used, "question_id"));
  question = ask(evidence()).value();
  EXPECT_THAT(answer(one_.sm, question, Bytes(48)),
              FailsAt(ErrorCode::launch_measurement_differs, "measurement.hmac"));
  EXPECT_EQ(log_.count("released"), 0);
}

TEST_F(SevLaunchesTest, CountForTheImageAndPolicyTheyWereAskedFor) {
  ASSERT_THAT(put(policy()), Succeeds());
  ASSERT_THAT(put(policy(), table(), kOtherImage), Succeeds());
  auto question = ask(evidence()).value();
  EXPECT_THAT(answer(one_.sm, question, measured(question, expected()), kOtherImage),
              FailsAt(ErrorCode::failed_precondition, "image_id"));
  question = ask(evidence()).value();
  v1::DeleteSeedRequest gone;
  gone.set_image_id(kImage);
  ASSERT_THAT(one_.sm.delete_seed(asker(), gone), Succeeds());
  auto other = policy();
  other.mutable_sev()->set_minimum_build(1);
  ASSERT_THAT(put(other), Succeeds());
  EXPECT_THAT(answer(one_.sm, question, measured(question, expected())),
              FailsAt(ErrorCode::failed_precondition, "policy"));
}

TEST_F(SevLaunchesTest, ThatAreLateGetNothing) {
  ASSERT_THAT(put(policy()), Succeeds());
  const auto question = ask(evidence()).value();
  clock_.advance(sev::kLaunchLifetime);
  EXPECT_THAT(answer(one_.sm, question, measured(question, expected())),
              FailsAt(ErrorCode::challenge_expired, "measurement"));
}

TEST_F(SevLaunchesTest, OnMachinesThatAreNotApprovedAreNotBegun) {
  ASSERT_THAT(put(policy()), Succeeds());
  auto shown = sev::parse_evidence(as_bytes(evidence())).value();
  shown.firmware.api.minor = 23;
  EXPECT_THAT(ask(to_json(shown)), FailsAt(ErrorCode::sev_api_too_old, "api"));
  shown.firmware.api.minor = 24;
  shown.cek = to_bytes(machine().exported_cek.bytes());
  EXPECT_THAT(ask(to_json(shown)), FailsAt(ErrorCode::sev_cek_unsigned, "cek.signature"));
}

TEST_F(SevLaunchesTest, OnMachinesThatAreRevokedOrNotNamedGetNothing) {
  ASSERT_THAT(put(policy()), Succeeds());
  const auto question = ask(evidence()).value();
  const auto chip = from_hex(log_.lines().back().decision.storage_key_name).value();
  v1::Revocation revocation;
  revocation.set_kind(v1::REVOCATION_KIND_HARDWARE_KEY);
  revocation.set_subject(text_of(chip));
  ASSERT_THAT(two_.sm.revoke(asker(), revocation), Succeeds());
  EXPECT_THAT(answer(one_.sm, question, measured(question, expected())),
              FailsAt(ErrorCode::failed_precondition, "hardware_key"));
  EXPECT_THAT(ask(evidence()), FailsAt(ErrorCode::failed_precondition, "hardware_key"));
  EXPECT_EQ(log_.count("released"), 0);
  v1::DeleteSeedRequest gone;
  gone.set_image_id(kImage);
  ASSERT_THAT(one_.sm.delete_seed(asker(), gone), Succeeds());
  auto named = policy();
  named.add_hardware_keys(std::string(32, 'x'));
  ASSERT_THAT(put(named), Succeeds());
  EXPECT_THAT(ask(evidence()), FailsAt(ErrorCode::failed_precondition, "policy.hardware_keys"));
  EXPECT_EQ(one_.stores.challenges->count(kTenant, 100).value(), 1)
      << "of those that were refused nothing is kept";
}

TEST_F(SevLaunchesTest, LeaveNoSecretInTheDatabase) {
  ASSERT_THAT(put(policy()), Succeeds());
  const auto question = ask(evidence()).value();
  const auto held = keys(question);
  for (const auto& file : std::filesystem::directory_iterator{directory_.path()}) {
    const auto bytes = read_file(file.path(), 64UL << 20U).value();
    for (const auto& secret :
         {as_text(held.tik.expose()), as_text(held.tek.expose()), std::string_view{"passphrase"}})
      EXPECT_EQ(as_text(bytes).find(secret), std::string_view::npos) << file.path();
  }
}

TEST_F(SevLaunchesTest, HavePoliciesThatKeepSecretsAndCanBeSatisfied) {
  const auto refused = [&](const std::function<void(v1::SeedPolicy&)>& change) {
    auto changed = policy();
    change(changed);
    const auto status = put(changed);
    return status ? std::string{"taken"} : status.error().field;
  };
  EXPECT_EQ(refused([](auto& p) { p.mutable_sev()->set_policy(2); }), "policy.NODBG");
  EXPECT_EQ(refused([](auto& p) { p.mutable_sev()->set_launch_digest("short"); }),
            "policy.sev.launch_digest");
  EXPECT_EQ(refused([](auto& p) { p.mutable_sev()->add_trusted_arks("x"); }), "policy.sev.trusted_arks[1]");
  EXPECT_EQ(refused([](auto& p) { p.mutable_sev()->set_minimum_build(256); }), "policy.sev.minimum_build");
  EXPECT_EQ(refused([](auto& p) { p.add_tees("measured"); }), "policy.sev");
  EXPECT_EQ(refused([](auto& p) { p.set_profile("firmware"); }), "policy.sev");
  EXPECT_EQ(refused([](auto& p) { p.mutable_sev()->add_suspects(); }), "policy.sev.suspects[1]");
  EXPECT_THAT(put(policy(), seed_of(1)), FailsAt(ErrorCode::invalid_argument, "seed"));
}

}  // namespace
}  // namespace sealift::securitymodule
