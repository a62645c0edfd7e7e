// SPDX-License-Identifier: Apache-2.0
/// What a hostile host may show at enrolment, through the tool. In each case the reported reason is the
/// injected one. libs/tee tests every field and certificate; here are those that need two machines.
#include "tests/e2e/chain_for_test.h"

namespace sealift::e2e {
namespace {

class EvidenceFaults : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const auto* name : {"one", "two"}) {
      chain().host({"create", name, "--ek", "p256", "--storage-key", "p256"});
      chain().host({"boot", name});
      chain().host({"evidence", name, "--out", evidence(name)});
    }
  }
  static void TearDownTestSuite() {
    for (const auto* name : {"one", "two"}) chain().host({"stop", name});
  }
  static Chain& chain() { return Chain::get(); }
  static std::string evidence(const std::string& name) { return chain().path(name + ".evidence"); }
  static Json document(const std::string& name) {
    return Json::parse(as_text(read_file(evidence(name), 1U << 20U).value()));
  }

  static std::string shown(const Json& document) { return chain().file(as_bytes(document.dump())); }
  static void expect_refused(const Words& words, std::string_view code) {
    const auto error = cli::sealift_error(words, 1);
    EXPECT_EQ(error.value("code", ""), code) << error;
  }
  /// A fresh name for the files of one attempt.
  static std::string attempt() {
    static int count = 0;
    return "attempt" + std::to_string(++count);
  }
};

TEST_F(EvidenceFaults, OfTwoTpmsMixedAreFound) {
  auto mixed = document("one");
  mixed["endorsement_key"] = document("two").at("endorsement_key");
  expect_refused(chain().challenge(shown(mixed), attempt()), "ek_key_differs");
  mixed = document("one");
  mixed["ek_certificates"] = document("two").at("ek_certificates");
  expect_refused(chain().challenge(shown(mixed), attempt()), "ek_key_differs");
}

TEST_F(EvidenceFaults, OfAnotherMachinesPlatformCertificateAreFound) {
  auto mixed = document("one");
  mixed["platform_certificate"] = document("two").at("platform_certificate");
  expect_refused(chain().challenge(shown(mixed), attempt()), "platform_certificate_differs");
}

TEST_F(EvidenceFaults, OfAnotherTpmsStorageKeyAreFoundByTheChallenge) {
  auto mixed = document("one");
  mixed["storage_key"] = document("two").at("storage_key");
  const auto name = attempt();
  cli::sealift_json(chain().challenge(shown(mixed), name));
  for (const auto* machine : {"one", "two"}) {
    const auto error = chain().host_error(
        {"activate", machine, "--challenge", chain().path(name + ".challenge"), "--out", chain().path(name)});
    EXPECT_EQ(error.value("code", ""), "challenge_response_differs") << error;
  }
}

TEST_F(EvidenceFaults, OfTheEndorsementKeyShownAsStorageKeyAreFound) {
  auto swapped = document("one");
  swapped["storage_key"] = swapped.at("endorsement_key");
  expect_refused(chain().challenge(shown(swapped), attempt()), "storage_key_attributes_refused");
}

TEST_F(EvidenceFaults, OfAnUntrustedRootAreFound) {
  chain().host({"create", "stranger", "--ek", "p256", "--storage-key", "p256"});
  auto words = chain().challenge(evidence("one"), attempt());
  const auto elsewhere = chain().path("elsewhere");
  cli::sealift_json({"dev", "host", "create", "other", "--dir", elsewhere});
  std::ranges::replace(words, chain().path("machines/ca/root.pem"), elsewhere + "/ca/root.pem");
  const auto error = cli::sealift_error(words, 1);
  EXPECT_TRUE(error.value("code", "") == "issuer_missing" || error.value("code", "") == "issuer_untrusted")
      << error;
}

TEST_F(EvidenceFaults, OfAStorageKeyForAnotherStateAreFound) {
  auto words = chain().challenge(evidence("one"), attempt());
  std::erase(words, "--reference");
  std::ranges::replace(words, chain().path("approved.log"), std::string{"sha256:6="} + cli::kOnes);
  words.insert(std::ranges::find(words, std::string{"sha256:6="} + cli::kOnes), "--pcr");
  expect_refused(words, "storage_key_policy_differs");
}

TEST_F(EvidenceFaults, CountAChallengeOnce) {
  const auto name = attempt();
  cli::sealift_json(chain().challenge(evidence("one"), name));
  chain().host(
      {"activate", "one", "--challenge", chain().path(name + ".challenge"), "--out", chain().path(name)});
  const Words finish{"enrol",      "finish",           "--state", chain().path(name + ".state"),
                     "--response", chain().path(name), "--out",   chain().path(name + ".host")};
  cli::sealift_json(finish);
  std::filesystem::remove(chain().path(name + ".host"));
  expect_refused(finish, "challenge_used");
}

TEST_F(EvidenceFaults, SpoilAChallengeByAWrongAnswer) {
  const auto name = attempt();
  cli::sealift_json(chain().challenge(evidence("one"), name));
  chain().host(
      {"activate", "one", "--challenge", chain().path(name + ".challenge"), "--out", chain().path(name)});
  auto response = read_file(chain().path(name), 64).value();
  response[31] ^= 1;
  const auto state = chain().path(name + ".state");
  const auto out = chain().path(name + ".host");
  expect_refused({"enrol", "finish", "--state", state, "--response", chain().file(response), "--out", out},
                 "challenge_response_differs");
  expect_refused({"enrol", "finish", "--state", state, "--response", chain().path(name), "--out", out},
                 "challenge_used");
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace sealift::e2e
