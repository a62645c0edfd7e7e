// SPDX-License-Identifier: Apache-2.0
/// The tooling against a cloud that lies: a front end of the test's own, which alters what it relays.
#include "cli/cloud/keep_key.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "crypto/random.h"
#include "rpc/testing/world.h"
#include "tee/host_for_test.h"

namespace sealift::cli {
namespace {

using testing::AnyOf;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kLaunch = "0192f3c1-0000-7000-8000-000000000000";

std::string text(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

/// What the cloud does with what it should only pass on.
struct Lies {
  std::function<void(v1::Target&)> target = [](v1::Target&) {};
  std::function<void(std::string&)> question = [](std::string&) {};
  std::function<void(std::string&)> answer = [](std::string&) {};
};

class KeepingTheKey : public testing::Test {
 protected:
  KeepingTheKey() {
    using rpc::Call;
    const auto tenants = rpc::Allow::roles({rpc::Role::tenant});
    rpc::Router router;
    router.unary<v1::Target, v1::GetTargetRequest>(
        "sealift.v1.LaunchService.GetTarget", tenants,
        [this](const Call&, const v1::GetTargetRequest&) -> Result<v1::Target> {
          v1::Target target;
          target.set_attempt(1);
          target.set_tee("measured");
          target.set_evidence(text(host_.evidence()));
          lies_.target(target);
          return target;
        });
    router.unary<v1::ChallengeTargetResponse, v1::ChallengeTargetRequest>(
        "sealift.v1.LaunchService.ChallengeTarget", tenants,
        [this](const Call&, const v1::ChallengeTargetRequest& request) { return relay(request); });
    router.unary<v1::Launch, v1::AuthorizeTargetRequest>(
        "sealift.v1.LaunchService.AuthorizeTarget", tenants,
        [this](const Call&, const v1::AuthorizeTargetRequest& request) -> Result<v1::Launch> {
          authorized_.push_back(request);
          return v1::Launch{};
        });
    router.unary<v1::Launch, v1::RefuseTargetRequest>(
        "sealift.v1.LaunchService.RefuseTarget", tenants,
        [this](const Call&, const v1::RefuseTargetRequest& request) -> Result<v1::Launch> {
          refused_.push_back(request);
          return v1::Launch{};
        });
    server_ = world_.serve({}, std::move(router));
    channel_ = world_.channel(*server_);
  }

  /// To the host's TPM and back.
  Result<v1::ChallengeTargetResponse> relay(const v1::ChallengeTargetRequest& request) {
    auto question = request.question();
    lies_.question(question);
    SEALIFT_TRY(const auto credential, tpm::parse_credential_file(as_bytes(question)));
    SEALIFT_TRY(const auto secret, host_.activate(credential));
    auto answer = text(secret);
    lies_.answer(answer);
    v1::ChallengeTargetResponse response;
    response.set_answer(answer);
    return response;
  }

  Status serve() {
    KeyKeeper keeper{*channel_, tee::HostForTest::policy(), crypto::random_secret<esm::kSeedSize>(), clock_};
    return keeper.serve(kLaunch);
  }
  /// It was noticed: nothing was sealed to anybody.
  void expect_noticed(const std::string& what) {
    (void)serve();
    EXPECT_THAT(authorized_, IsEmpty()) << what;
    authorized_.clear();
    refused_.clear();
  }

  FakeClock clock_{test_pki::now()};
  tee::HostForTest host_;
  tee::HostForTest other_host_;
  Lies lies_;
  std::vector<v1::AuthorizeTargetRequest> authorized_;
  std::vector<v1::RefuseTargetRequest> refused_;
  rpc::testing::World world_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
};

TEST_F(KeepingTheKey, SealsToTheHostThatProvedItself) {
  ASSERT_THAT(serve(), Succeeds());
  ASSERT_THAT(authorized_, SizeIs(1));
  EXPECT_EQ(authorized_[0].sealed_data().storage_key_name(), text(host_.storage_key.name().view()));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(KeepingTheKey, RefusesAHostThatAnswersWithAnotherHostsEvidence) {
  lies_.target = [this](v1::Target& target) { target.set_evidence(text(other_host_.evidence())); };
  ASSERT_THAT(serve(), Succeeds());
  EXPECT_THAT(authorized_, IsEmpty());
  ASSERT_THAT(refused_, SizeIs(1));
  EXPECT_TRUE(refused_[0].try_another());
}

TEST_F(KeepingTheKey, NoticesEveryByteOfEvidenceThatIsAltered) {
  const auto evidence = text(host_.evidence());
  for (std::size_t i = 0; i < evidence.size(); i += 7) {
    lies_.target = [&](v1::Target& target) {
      auto altered = evidence;
      altered[i] = static_cast<char>(altered[i] ^ 1);
      target.set_evidence(altered);
    };
    expect_noticed("byte " + std::to_string(i));
  }
}

TEST_F(KeepingTheKey, NoticesEvidenceThatEndsEarly) {
  const auto evidence = text(host_.evidence());
  for (std::size_t size = 0; size < evidence.size(); size += 97) {
    lies_.target = [&](v1::Target& target) { target.set_evidence(evidence.substr(0, size)); };
    expect_noticed("size " + std::to_string(size));
  }
}

TEST_F(KeepingTheKey, NoticesAnotherKindOfHost) {
  lies_.target = [](v1::Target& target) { target.set_tee("trust-me"); };
  expect_noticed("tee");
}

TEST_F(KeepingTheKey, NoticesAQuestionThatIsAltered) {
  for (std::size_t i = 0; i < 300; i += 5) {
    lies_.question = [i](std::string& question) {
      if (i < question.size()) question[i] = static_cast<char>(question[i] ^ 0x80);
    };
    expect_noticed("byte " + std::to_string(i));
  }
}

TEST_F(KeepingTheKey, NoticesAnAnswerThatIsAlteredGuessedOrReplayed) {
  for (std::size_t i = 0; i < 32; ++i) {
    lies_.answer = [i](std::string& answer) { answer[i] = static_cast<char>(answer[i] ^ 1); };
    expect_noticed("byte " + std::to_string(i));
  }
  for (const auto size : {0U, 31U, 33U, 1000U}) {
    lies_.answer = [size](std::string& answer) { answer.resize(size, '\0'); };
    expect_noticed("size " + std::to_string(size));
  }
  std::string earlier;
  lies_.answer = [&](std::string& answer) { earlier = answer; };
  ASSERT_THAT(serve(), Succeeds());
  authorized_.clear();
  lies_.answer = [&](std::string& answer) { answer = earlier; };
  expect_noticed("replay");
}

}  // namespace
}  // namespace sealift::cli
