// SPDX-License-Identifier: Apache-2.0
// Approvals and withdrawals as tpm2-tools and OpenSSL see them.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/approval.h"
#include "tpm/keys_for_test.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

class ApprovalByTools : public testing::Test {
 protected:
  void SetUp() override {
    auto swtpm = SwtpmForTest::start();
    ASSERT_THAT(swtpm, Succeeds());
    swtpm_.emplace(*std::move(swtpm));
    write("index.policy",
          Policy{}.authorize(approver_.name(), as_bytes(kWithdrawalReference)).digest().view());
    write("key.area", approver_.area().tpm2b());
    write("key.name", approver_.name().view());
    write("key.pem", as_bytes(key_.public_key().pem()));
    run({"tpm2_nvdefine", index_, "-C", "o", "-s", "8", "-L", file("index.policy"), "-a",
         "authread|policywrite|ownerwrite|no_da"});
    set_version(3, {"-C", "o"});
  }
  std::string file(const std::string& name) const { return swtpm_->path(name).native(); }
  void write(const std::string& name, ByteView bytes) const {
    ASSERT_THAT(write_file(file(name), bytes), Succeeds());
  }
  Result<Output> tool(std::vector<std::string> argv) const {
    (void)swtpm_->tool({"tpm2_flushcontext", "-t"});
    return swtpm_->tool_checked(std::move(argv));
  }
  std::string run(std::vector<std::string> argv) const {
    const auto output = tool(std::move(argv));
    EXPECT_THAT(output, Succeeds());
    return output ? output->out : std::string{};
  }
  void set_version(std::uint64_t version, const std::vector<std::string>& authorization) const {
    write("version", version_bytes(version));
    std::vector<std::string> argv{"tpm2_nvwrite", index_, "-i", file("version")};
    argv.insert(argv.end(), authorization.begin(), authorization.end());
    run(argv);
  }
  void begin(bool trial = false) const {
    (void)swtpm_->tool({"tpm2_flushcontext", "-s"});
    std::vector<std::string> argv{"tpm2_startauthsession", "-S", file("session")};
    if (!trial) argv.emplace_back("--policy-session");
    run(argv);
  }
  Result<Output> step(std::vector<std::string> argv) const {
    argv.insert(argv.end(), {"-S", file("session"), "-L", file("digest")});
    return tool(std::move(argv));
  }
  Result<Output> compare(std::uint64_t version, const char* operation) const {
    write("operand", version_bytes(version));
    return step({"tpm2_policynv", "-i", file("operand"), index_, operation});
  }
  std::string digest() const { return to_hex(read_file(file("digest"), 64).value()); }
  /// With the key's signature and the TPM's ticket for it.
  void authorize(const SignedPolicy& policy) const {
    write("approved", policy.policy().view());
    write("reference", policy.reference());
    write("message", std::move(ByteWriter{}.bytes(policy.policy().view()).bytes(policy.reference())).take());
    write("signature", policy.signature());
    EXPECT_THAT(run_checked({.argv = {"openssl", "dgst", "-sha256", "-verify", file("key.pem"), "-signature",
                                      file("signature"), file("message")}}),
                Succeeds());
    write("tpm.signature", policy.tpm_signature());
    run({"tpm2_loadexternal", "-C", "o", "-u", file("key.area"), "-c", file("key"), "-n", file("name")});
    EXPECT_EQ(to_hex(read_file(file("name"), 64).value()), approver_.name().hex());
    EXPECT_THAT(swtpm_->tool_checked({"tpm2_verifysignature", "-c", file("key"), "-g", "sha256", "-m",
                                      file("message"), "-s", file("tpm.signature"), "-t", file("ticket")}),
                Succeeds());
    EXPECT_THAT(step({"tpm2_policyauthorize", "-i", file("approved"), "-q", file("reference"), "-n",
                      file("key.name"), "-t", file("ticket")}),
                Succeeds());
  }

  const crypto::PrivateKey key_ = fresh_key(KeyKind::p256);
  const Approver approver_ = Approver::create(key_.public_key()).value();
  const std::string index_ = "0x01800103";
  std::optional<SwtpmForTest> swtpm_;
};

const PcrValues& zero_state() {
  static const auto values = PcrValues::parse("sha256:4=" + std::string(64, '0')).value();
  return values;
}

TEST_F(ApprovalByTools, NamesTheVersionIndexAsTheTpmDoes) {
  const auto shown = run({"tpm2_nvreadpublic", index_});
  EXPECT_NE(shown.find(owner_profile().version_index_name(approver_.name()).hex()), std::string::npos)
      << shown;
}

TEST_F(ApprovalByTools, SignsThePolicyThatASessionHas) {
  const auto approval = approve(key_, owner_profile(), "x", 3, zero_state()).value();
  begin();
  ASSERT_THAT(step({"tpm2_policypcr", "-l", "sha256:4"}), Succeeds());
  ASSERT_THAT(compare(3, "ule"), Succeeds());
  EXPECT_EQ(digest(), to_hex(approval.policy.policy().view()));
  authorize(approval.policy);
  EXPECT_EQ(digest(), to_hex(approver_.sealing_policy().view()));
}

TEST_F(ApprovalByTools, DoesNotHoldBelowTheIndexsVersion) {
  begin();
  EXPECT_THAT(compare(2, "ule"), FailsWith(ErrorCode::io_error));
  EXPECT_THAT(compare(4, "ule"), Succeeds());
}

TEST_F(ApprovalByTools, OpensASealUnderTheApproversPolicy) {
  run({"tpm2_createprimary", "-C", "o", "-c", file("parent")});
  write("policy", approver_.sealing_policy().view());
  write("secret", as_bytes("a seed"));
  run({"tpm2_create", "-C", file("parent"), "-i", file("secret"), "-L", file("policy"), "-u", file("pub"),
       "-r", file("priv"), "-a", "fixedtpm|fixedparent|noda"});
  begin();
  ASSERT_THAT(step({"tpm2_policypcr", "-l", "sha256:4"}), Succeeds());
  ASSERT_THAT(compare(5, "ule"), Succeeds());
  authorize(approve(key_, owner_profile(), "x", 5, zero_state())->policy);
  run({"tpm2_load", "-C", file("parent"), "-u", file("pub"), "-r", file("priv"), "-c", file("object")});
  EXPECT_EQ(run({"tpm2_unseal", "-c", file("object"), "-p", "session:" + file("session")}), "a seed");
}

TEST_F(ApprovalByTools, WithdrawsByTheOneCommandThatWasSigned) {
  const auto withdrawal = withdraw_below(key_, owner_profile(), 5).value();
  write("version", version_bytes(5));
  run({"tpm2_nvwrite", index_, "-C", index_, "-i", file("version"), "--cphash", file("cphash")});
  EXPECT_EQ(
      to_hex(read_file(file("cphash"), 64).value()),
      "0020" + to_hex(withdrawal_command(owner_profile().version_index_name(approver_.name()), 5).view()));
  begin();
  ASSERT_THAT(compare(5, "ult"), Succeeds());
  ASSERT_THAT(step({"tpm2_policycphash", "--cphash", file("cphash")}), Succeeds());
  EXPECT_EQ(digest(), to_hex(withdrawal.policy.policy().view()));
  authorize(withdrawal.policy);
  write("version", version_bytes(6));
  EXPECT_THAT(
      tool({"tpm2_nvwrite", index_, "-C", index_, "-i", file("version"), "-P", "session:" + file("session")}),
      FailsWith(ErrorCode::io_error));
}

}  // namespace
}  // namespace sealift::tpm
