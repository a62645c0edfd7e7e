// SPDX-License-Identifier: Apache-2.0
/// sealift policy approve and withdraw.
#include "base/matchers.h"
#include "cli/tool_for_test.h"
#include "tpm/approval.h"

namespace sealift::cli {
namespace {

const std::string kState = "sha256:6=" + std::string(64, 'a');

class SignedApprovals : public ToolTest {
 protected:
  void SetUp() override { write_key(key_); }
  std::vector<std::string> approve(std::vector<std::string> more = {}) const {
    more.insert(more.begin(),
                {"policy", "approve", "--key", path("approver.key"), "--out", path("a.approval")});
    return more;
  }
  std::string written(const std::string& name) const {
    return std::string{as_text(read_file(path(name), 1U << 16U).value())};
  }
  void write_key(const crypto::PrivateKey& key) const {
    const auto pem = key.pem();
    ASSERT_THAT(write_file(path("approver.key"), pem.expose(), 0600), Succeeds());
  }
  const crypto::PrivateKey key_ = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
};

TEST_F(SignedApprovals, AreWhatMachinesRead) {
  const auto document = sealift_json(approve({"--name", "fw 2", "--version", "2", "--pcr", kState}));
  EXPECT_EQ(document["pcrs"], kState);
  const auto approval = tpm::parse_approval(as_bytes(written("a.approval")));
  ASSERT_THAT(approval, Succeeds());
  EXPECT_EQ(approval->version, 2U);
  EXPECT_EQ(approval->policy.approver().key(), key_.public_key());
  EXPECT_EQ(document["policy"], to_hex(approval->policy.policy().view()));

  sealift_json(
      {"policy", "withdraw", "--key", path("approver.key"), "--below", "2", "--out", path("2.withdrawal")});
  EXPECT_THAT(tpm::parse_withdrawal(as_bytes(written("2.withdrawal"))), Succeeds());
}

TEST_F(SignedApprovals, NeedAStateAVersionAndAKey) {
  EXPECT_EQ(sealift_error(approve({"--name", "x", "--version", "2"}), 2)["code"], "invalid_argument");
  EXPECT_EQ(sealift_error(approve({"--name", "x", "--pcr", kState}), 2)["field"], "version");
  EXPECT_EQ(
      sealift_error({"policy", "withdraw", "--key", path("approver.key"), "--out", path("x")}, 2)["field"],
      "version");
  write_key(crypto::PrivateKey::generate_rsa(2048).value());
  EXPECT_EQ(sealift_error(approve({"--name", "x", "--version", "2", "--pcr", kState}), 1)["code"],
            "key_unsupported");
  EXPECT_FALSE(std::filesystem::exists(path("a.approval")));
}

}  // namespace
}  // namespace sealift::cli
