// SPDX-License-Identifier: Apache-2.0
/// sealift tpm, judged by tpm2-tools on a TPM.
#include "base/matchers.h"
#include "cli/tool_for_test.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::cli {
namespace {

constexpr const char* kParentAttributes =
    "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda";

class TpmCommands : public ToolTest {
 protected:
  void SetUp() override { write("secret", "the seed of an image, 32 bytes.."); }

  void make_parent(const std::string& algorithm) {
    ASSERT_THAT(tool({"tpm2_createprimary", "-C", "o", "-G", algorithm, "-a", kParentAttributes, "-c",
                      path("parent.ctx")}),
                Succeeds());
    ASSERT_THAT(tool({"tpm2_readpublic", "-c", path("parent.ctx"), "-o", path("parent.pub")}), Succeeds());
  }
  std::string pcr6() {
    EXPECT_THAT(tool({"tpm2_pcrread", "sha256:6", "-o", path("pcr")}), Succeeds());
    return "sha256:6=" + to_hex(read("pcr"));
  }
  /// One of tpm2-tools, which leave loaded what they load: a TPM has room for three objects.
  Result<Output> tool(std::vector<std::string> argv) const {
    SEALIFT_CHECK(tpm_.tool_checked({"tpm2_flushcontext", "-t"}));
    return tpm_.tool_checked(std::move(argv));
  }
  Json seal(const std::string& pcr) {
    return sealift_json({"tpm", "seal", "--storage-key", path("parent.pub"), "--secret", path("secret"),
                         "--pcr", pcr, "--out", path("sealed")});
  }
  Result<Output> unseal() {
    SEALIFT_CHECK(
        tool({"tpm2_import", "-C", path("parent.ctx"), "-u", path("sealed/object.pub"), "-i",
              path("sealed/object.dup"), "-s", path("sealed/object.seed"), "-r", path("object.priv")}));
    SEALIFT_CHECK(tool({"tpm2_load", "-C", path("parent.ctx"), "-u", path("sealed/object.pub"), "-r",
                        path("object.priv"), "-c", path("object.ctx")}));
    return tool({"tpm2_unseal", "-c", path("object.ctx"), "-p", "pcr:sha256:6"});
  }

  Bytes name_of_parent() {
    EXPECT_THAT(tool({"tpm2_readpublic", "-c", path("parent.ctx"), "-n", path("name")}), Succeeds());
    return read("name");
  }
  /// Under the EK's policy: who may use the endorsement hierarchy.
  Result<Output> activate() {
    SEALIFT_CHECK(tool({"tpm2_startauthsession", "--policy-session", "-S", path("session")}));
    SEALIFT_CHECK(tool({"tpm2_policysecret", "-S", path("session"), "-c", "e"}));
    return tool({"tpm2_activatecredential", "-c", path("parent.ctx"), "-C", path("ek.ctx"), "-i",
                 path("credential"), "-o", path("opened"), "-P", "session:" + path("session")});
  }

  tpm::SwtpmForTest tpm_ = tpm::SwtpmForTest::start().value();
};

class SealTo : public TpmCommands, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Parents, SealTo, testing::Values("rsa2048", "ecc256", "ecc384"));

TEST_P(SealTo, GivesASecretBackUnderItsPcrValueAndUnderNoOther) {
  make_parent(GetParam());
  const auto document = seal(pcr6());
  EXPECT_EQ(document["policy"], to_hex(read("sealed/policy.digest")));
  const auto unsealed = unseal();
  ASSERT_THAT(unsealed, Succeeds());
  EXPECT_EQ(unsealed->out, "the seed of an image, 32 bytes..");

  ASSERT_THAT(tool({"tpm2_pcrextend", std::string{"6:sha256="} + kOnes}), Succeeds());
  EXPECT_FALSE(unseal().has_value());
}

TEST_F(TpmCommands, SealForAnotherPcrValueDoesNotOpen) {
  make_parent("ecc256");
  seal(std::string{"sha256:6="} + kOnes);
  EXPECT_FALSE(unseal().has_value());
}

TEST_F(TpmCommands, SealedFilesAreReplacedByANewSeal) {
  make_parent("ecc256");
  seal(pcr6());
  const auto before = read("sealed/object.dup");
  seal(pcr6());
  EXPECT_NE(before, read("sealed/object.dup"));
  EXPECT_THAT(unseal(), Succeeds());
}

TEST_F(TpmCommands, MakeCredentialIsOpenedByTheTpmThatHasBothKeys) {
  make_parent("ecc256");
  ASSERT_THAT(tool({"tpm2_createek", "-G", "rsa", "-c", path("ek.ctx"), "-u", path("ek.pub")}), Succeeds());
  const auto name = to_hex(name_of_parent());
  const auto document = sealift_json({"tpm", "make-credential", "--ek", path("ek.pub"), "--name", name,
                                      "--secret", path("secret"), "--out", path("credential")});
  EXPECT_EQ(document["name"], name);
  ASSERT_THAT(activate(), Succeeds());
  EXPECT_EQ(as_text(read("opened")), "the seed of an image, 32 bytes..");
}

}  // namespace
}  // namespace sealift::cli
