// SPDX-License-Identifier: Apache-2.0
// From one protector to another, with a token, a TPM and a file that are real.
#include "services/securitymodule/adapters/opening.h"
#include "services/securitymodule/adapters/protectors.h"
#include "services/securitymodule/adapters/softhsm_for_test.h"
#include "services/securitymodule/domain/module_for_test.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::securitymodule {
namespace {

class Rotation : public testing::Test {
 protected:
  Result<Vault> open(const std::string& protector, bool create = false) {
    return open_vault({protector, create}, *root_keys, *seeds, {kTenant});
  }
  std::vector<std::string> keys() { return protecting_keys(*root_keys).value(); }
  static bool same_root(const Vault& one, const Vault& other) {
    const SeedOwner owner{kTenant, kImage, {}};
    return other.unwrap(one.wrap(taken_seed(1), owner), owner).has_value();
  }

  SoftHsmForTest hsm;
  tpm::SwtpmForTest swtpm = tpm::SwtpmForTest::start().value();
  TemporaryDirectory directory = TemporaryDirectory::create().value();
  std::string file = "insecure-file:" + (directory.path() / "key").string();
  std::string tpm = "tpm:" + swtpm.tcti();
  std::string token = hsm.uri();
  std::unique_ptr<sql::Database> database =
      store::open("sqlite:" + (directory.path() / "keys.db").string(), store::Schema::keys).value();
  std::unique_ptr<store::RootKeyStore> root_keys = store::make_root_key_store(*database);
  std::unique_ptr<store::SeedStore> seeds = store::make_seed_store(*database);
};

TEST_F(Rotation, LeadsFromEachKindOfProtectorToTheNextWithTheSameRootKey) {
  const auto first = open(file, true);
  ASSERT_THAT(first, Succeeds());
  const std::vector<std::pair<std::string, std::string>> steps{{file, token}, {token, tpm}, {tpm, file}};
  for (const auto& [from, to] : steps) {
    ASSERT_THAT(rotate({from, to, true, false}, *root_keys), Succeeds());
    EXPECT_EQ(keys().size(), 1U);
    EXPECT_THAT(open(from), FailsAt(ErrorCode::failed_precondition, "protector"));
    const auto opened = open(to);
    ASSERT_THAT(opened, Succeeds());
    EXPECT_TRUE(same_root(*first, *opened));
  }
}

TEST_F(Rotation, LetsSeveralProtectOneDatabase) {
  ASSERT_THAT(open(file, true), Succeeds());
  ASSERT_THAT(rotate({file, token, true, true}, *root_keys), Succeeds());
  ASSERT_THAT(rotate({token, tpm, false, true}, *root_keys), Succeeds());
  EXPECT_EQ(keys().size(), 3U);
  for (const auto& protector : {file, token, tpm}) EXPECT_THAT(open(protector), Succeeds());
  hsm.remove_token();
  EXPECT_THAT(open(tpm), Succeeds());
}

TEST_F(Rotation, FollowsATpmFromOneStateToTheNext) {
  ASSERT_THAT(open(tpm, true), Succeeds());
  const auto extend = [&] {
    ASSERT_THAT(swtpm.tool_checked({"tpm2_pcrextend", "7:sha256=" + std::string(64, 'b')}), Succeeds());
  };
  extend();
  EXPECT_THAT(open(tpm), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
  const auto shown = swtpm.tool_checked({"tpm2_pcrread", "sha256:7"}).value().out;
  const auto next = shown.substr(shown.find("0x") + 2, 64);
  ASSERT_THAT(swtpm.power_off(), Succeeds());
  ASSERT_THAT(swtpm.power_on(), Succeeds());
  ASSERT_THAT(rotate({tpm, tpm + "?pcrs=sha256:7=" + next, false, true}, *root_keys), Succeeds());
  EXPECT_THAT(open(tpm), Succeeds());
  extend();
  EXPECT_THAT(open(tpm), Succeeds());
}

TEST_F(Rotation, NamesTheKeyThatIsLostAndMakesNoNewOne) {
  ASSERT_THAT(open(token, true), Succeeds());
  const auto lost = keys().front();
  hsm.remove_token();
  hsm.add_token(SoftHsmForTest::kToken);  // another of the same name
  for (const auto create : {false, true}) {
    const auto refused = open(token, create);
    ASSERT_THAT(refused, FailsAt(ErrorCode::failed_precondition, "protector"));
    EXPECT_NE(refused.error().message.find(lost), std::string::npos);
  }
  EXPECT_THAT(rotate({token, file, true, false}, *root_keys),
              FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_EQ(keys(), std::vector{lost});
}

TEST_F(Rotation, LosesNothingWhereItFails) {
  ASSERT_THAT(open(file, true), Succeeds());
  const auto before = keys();
  EXPECT_THAT(rotate({file, hsm.uri("missing"), false, false}, *root_keys), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(rotate({tpm, token, true, false}, *root_keys),
              FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_EQ(keys(), before);
  EXPECT_THAT(open(file), Succeeds());
}

}  // namespace
}  // namespace sealift::securitymodule
