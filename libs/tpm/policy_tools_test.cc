// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/event_log.h"
#include "tpm/policy.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

/// What a TPM's trial session makes of the same steps.
class PolicyAgainstTpm : public testing::Test {
 protected:
  void SetUp() override {
    auto swtpm = SwtpmForTest::start();
    ASSERT_THAT(swtpm, Succeeds());
    swtpm_.emplace(*std::move(swtpm));
    run({"tpm2_startauthsession", "-S", file("session")});
  }
  std::string file(const std::string& name) const { return swtpm_->path(name).native(); }
  void run(std::vector<std::string> argv) { ASSERT_THAT(swtpm_->tool_checked(std::move(argv)), Succeeds()); }
  /// The step, in the session.
  void step(std::vector<std::string> argv) {
    argv.insert(argv.end(), {"-S", file("session"), "-L", file("digest")});
    run(std::move(argv));
  }
  std::string digest() const { return to_hex(read_file(file("digest"), 64).value()); }
  static std::string hex(const Policy& policy) { return to_hex(policy.digest().view()); }

  std::optional<SwtpmForTest> swtpm_;
};

TEST_F(PolicyAgainstTpm, AgreesOnPcrsOfSeveralBanks) {
  const Digest measured{Bytes(32, 0x11)};
  run({"tpm2_pcrextend", "6:sha256=" + to_hex(measured.view())});
  step({"tpm2_policypcr", "-l", "sha1:3+sha256:6,7"});
  const auto values = PcrValues::from_values({
      {.hash = HashAlgorithm::sha1, .index = 3, .value = Digest{Bytes(20)}},
      {.hash = HashAlgorithm::sha256, .index = 7, .value = Digest{Bytes(32)}},
      {.hash = HashAlgorithm::sha256,
       .index = 6,
       .value = extended(HashAlgorithm::sha256, Digest{Bytes(32)}, measured)},
  });
  EXPECT_EQ(digest(), hex(Policy{}.pcr(*values)));
}

TEST_F(PolicyAgainstTpm, AgreesOnSecretWithAndWithoutReference) {
  step({"tpm2_policysecret", "-c", "p"});
  EXPECT_EQ(digest(), hex(Policy{}.secret(Name::of_handle(0x4000000C))));
  step({"tpm2_policysecret", "-c", "o", "-q", "0102"});
  EXPECT_EQ(
      digest(),
      hex(Policy{}.secret(Name::of_handle(0x4000000C)).secret(Name::of_handle(0x40000001), Bytes{1, 2})));
}

TEST_F(PolicyAgainstTpm, AgreesOnCommandCodeAndAuthValue) {
  step({"tpm2_policycommandcode", "TPM2_CC_NV_ChangeAuth"});
  EXPECT_EQ(digest(), hex(Policy{}.command_code(0x13B)));
  step({"tpm2_policyauthvalue"});
  EXPECT_EQ(digest(), hex(Policy{}.command_code(0x13B).auth_value()));
}

TEST_F(PolicyAgainstTpm, AgreesOnAlternatives) {
  const auto first = Policy{}.auth_value().digest();
  const auto second = Policy{}.command_code(0x13B).digest();
  ASSERT_THAT(write_file(file("first"), first.view()), Succeeds());
  ASSERT_THAT(write_file(file("second"), second.view()), Succeeds());
  step({"tpm2_policyor", "sha256:" + file("first") + "," + file("second")});
  EXPECT_EQ(digest(), hex(Policy::any_of(std::vector{first, second}).value()));
}

TEST_F(PolicyAgainstTpm, AgreesOnAnAuthorizedPolicyWhateverCameBefore) {
  const auto signer = Name::of_public_area(HashAlgorithm::sha256, as_bytes("a key"));
  ASSERT_THAT(write_file(file("signer"), signer.view()), Succeeds());
  ASSERT_THAT(write_file(file("approved"), Policy{}.auth_value().digest().view()), Succeeds());
  ASSERT_THAT(write_file(file("reference"), as_bytes("ref")), Succeeds());
  step({"tpm2_policyauthvalue"});
  step({"tpm2_policyauthorize", "-i", file("approved"), "-n", file("signer"), "-q", file("reference")});
  EXPECT_EQ(digest(), hex(Policy{}.auth_value().authorize(signer, as_bytes("ref"))));
}

}  // namespace
}  // namespace sealift::tpm
