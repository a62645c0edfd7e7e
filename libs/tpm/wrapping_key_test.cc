// SPDX-License-Identifier: Apache-2.0
/// The wrapping key on a TPM, checked by tpm2-tools and OpenSSL.
#include "tpm/wrapping_key.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tpm/commands.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

constexpr auto kHash = crypto::HashAlgorithm::sha256;

class WrappingKeyTest : public testing::Test {
 protected:
  std::string file(const char* name) const { return swtpm_.path(name).native(); }
  Bytes lockbox(std::string_view secret) const {
    return key_.area.key().value().oaep_encrypt(kHash, {}, as_bytes(secret)).value();
  }

  SwtpmForTest swtpm_ = SwtpmForTest::start().value();
  Tpm tpm_ = Tpm::open(swtpm_.tcti()).value();
  WrappingKey key_ = renew_wrapping_key(tpm_, {}).value();
};

TEST_F(WrappingKeyTest, OpensWhatWasEncryptedToIt) {
  EXPECT_EQ(read_wrapping_key(tpm_).value(), key_.area);
  const auto opened = decrypt_by_wrapping_key(tpm_, key_.area, key_.password, lockbox("the symmetric key"));
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(as_text(opened->expose()), "the symmetric key");
}

TEST_F(WrappingKeyTest, StaysTheSameKeyUnderANewPassword) {
  const auto box = lockbox("kept");
  const auto renewed = renew_wrapping_key(tpm_, {});
  ASSERT_THAT(renewed, Succeeds());
  EXPECT_EQ(renewed->area, key_.area);
  EXPECT_THAT(decrypt_by_wrapping_key(tpm_, key_.area, renewed->password, box), Succeeds());
  EXPECT_THAT(decrypt_by_wrapping_key(tpm_, key_.area, key_.password, box),
              FailsAt(ErrorCode::boot_password_refused, "wrapping_key"));
}

TEST_F(WrappingKeyTest, RefusesWhatIsNotForIt) {
  auto box = lockbox("secret");
  box[10] ^= 1;
  EXPECT_THAT(decrypt_by_wrapping_key(tpm_, key_.area, key_.password, box),
              FailsAt(ErrorCode::sealed_data_refused, "lockbox"));
  EXPECT_THAT(decrypt_by_wrapping_key(tpm_, key_.area, key_.password, Bytes(255)),
              FailsAt(ErrorCode::sealed_data_refused, "lockbox"));
  // Still in order afterwards, and nothing is left in the TPM.
  EXPECT_THAT(decrypt_by_wrapping_key(tpm_, key_.area, key_.password, lockbox("secret")), Succeeds());
  EXPECT_TRUE(handles_in_use(tpm_, kFirstTransient)->empty());
  EXPECT_TRUE(handles_in_use(tpm_, kFirstLoadedSession)->empty());
}

TEST_F(WrappingKeyTest, IsMissingOnAMachineWithoutOne) {
  const auto other = SwtpmForTest::start().value();
  auto tpm = Tpm::open(other.tcti()).value();
  EXPECT_THAT(read_wrapping_key(tpm), FailsAt(ErrorCode::not_found, "wrapping_key"));
}

TEST_F(WrappingKeyTest, DecryptsForTpm2ToolsUnderItsPolicyAndOnlyThen) {
  ASSERT_THAT(write_file(swtpm_.path("box"), lockbox("for the tools")), Succeeds());
  const auto session = file("session");
  const auto tool = [&](std::vector<std::string> argv) { return swtpm_.tool(std::move(argv))->exit_status; };
  // -s, so that tpm2_rsadecrypt sees a scheme.
  std::vector<std::string> decrypt{"tpm2_rsadecrypt", "-c", "0x81800001", "-s",
                                   "oaep-sha256",     "-o", file("plain")};
  decrypt.push_back(file("box"));
  auto with_password = decrypt;
  with_password.insert(with_password.end() - 1, {"-p", "hex:" + to_hex(key_.password.expose())});
  EXPECT_NE(tool(with_password), 0) << "the password alone must not do";

  ASSERT_EQ(tool({"tpm2_startauthsession", "--policy-session", "-S", session}), 0);
  ASSERT_EQ(tool({"tpm2_policycommandcode", "-S", session, "TPM2_CC_ObjectChangeAuth"}), 0);
  ASSERT_EQ(tool({"tpm2_policyauthvalue", "-S", session, "-L", file("b")}), 0);
  ASSERT_EQ(tool({"tpm2_flushcontext", session}), 0);
  EXPECT_EQ(read_file(file("b"), 64).value(), to_bytes(wrapping_key_policies().change_auth.view()));
  ASSERT_EQ(tool({"tpm2_startauthsession", "--policy-session", "-S", session}), 0);
  ASSERT_EQ(tool({"tpm2_policycommandcode", "-S", session, "TPM2_CC_RSA_Decrypt"}), 0);
  ASSERT_EQ(tool({"tpm2_policyauthvalue", "-S", session, "-L", file("a")}), 0);
  EXPECT_EQ(read_file(file("a"), 64).value(), to_bytes(wrapping_key_policies().decrypt.view()));
  ASSERT_EQ(tool({"tpm2_policyor", "-S", session, "-l", "sha256:" + file("a") + "," + file("b")}), 0);
  auto under_policy = decrypt;
  under_policy.insert(under_policy.end() - 1,
                      {"-p", "session:" + session + "+hex:" + to_hex(key_.password.expose())});
  ASSERT_EQ(tool(under_policy), 0);
  EXPECT_EQ(as_text(read_file(file("plain"), 64).value()), "for the tools");
}

}  // namespace
}  // namespace sealift::tpm
