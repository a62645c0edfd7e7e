// SPDX-License-Identifier: Apache-2.0
#include "tpm/credential.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/profile.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

constexpr std::string_view kSecret = "thirty-two bytes of a credential";

/// tpm2-tools activate what was made in software for an EK of the given algorithm.
class ActivatedByTools : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto swtpm = SwtpmForTest::start();
    ASSERT_THAT(swtpm, Succeeds());
    swtpm_.emplace(*std::move(swtpm));
    run({"tpm2_createek", "-G", GetParam(), "-c", file("ek"), "-u", file("ek.pub")});
    run({"tpm2_createprimary", "-C", "o", "-G", "ecc256", "-c", file("key")});
    run({"tpm2_readpublic", "-c", file("key"), "-o", file("key.pub")});
    run({"tpm2_flushcontext", "-t"});
  }

  std::string file(const std::string& name) const { return swtpm_->path(name).native(); }
  Public area(const std::string& name) const {
    return Public::parse(read_file(file(name), 4096).value()).value();
  }
  void run(std::vector<std::string> argv) { ASSERT_THAT(swtpm_->tool_checked(std::move(argv)), Succeeds()); }

  Result<Bytes> activate(const Credential& credential) {
    SEALIFT_CHECK(write_file(file("credential"), credential_file(credential)));
    SEALIFT_CHECK(swtpm_->tool_checked({"tpm2_startauthsession", "--policy-session", "-S", file("session")}));
    SEALIFT_CHECK(swtpm_->tool_checked({"tpm2_policysecret", "-S", file("session"), "-c", "e"}));
    const auto done =
        swtpm_->tool_checked({"tpm2_activatecredential", "-c", file("key"), "-C", file("ek"), "-P",
                              "session:" + file("session"), "-i", file("credential"), "-o", file("out")});
    SEALIFT_CHECK(swtpm_->tool_checked({"tpm2_flushcontext", file("session")}));
    SEALIFT_CHECK(done);
    return read_file(file("out"), 64);
  }

  std::optional<SwtpmForTest> swtpm_;
};

TEST_P(ActivatedByTools, GivesTheSecret) {
  const auto credential = make_credential(area("ek.pub"), area("key.pub").name(), as_bytes(kSecret));
  ASSERT_THAT(credential, Succeeds());
  const auto opened = activate(*credential);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(as_text(*opened), kSecret);
}

TEST_P(ActivatedByTools, GivesTheSecretWhereOnlyTheCertifiedKeyIsKnown) {
  const auto ek = endorsement_key_area(area("ek.pub").key().value());
  ASSERT_THAT(ek, Succeeds());
  const auto credential = make_credential(*ek, area("key.pub").name(), as_bytes(kSecret));
  EXPECT_EQ(as_text(activate(*credential).value()), kSecret);
}

TEST_P(ActivatedByTools, GivesNothingForAnotherKeysName) {
  const auto other = Name::of_public_area(HashAlgorithm::sha256, as_bytes("another key"));
  EXPECT_THAT(activate(make_credential(area("ek.pub"), other, as_bytes(kSecret)).value()),
              FailsWith(ErrorCode::io_error));
}

TEST_P(ActivatedByTools, ReadsTheFileOfTpm2Makecredential) {
  ASSERT_THAT(write_file(file("secret"), as_bytes(kSecret)), Succeeds());
  run({"tpm2_makecredential", "-u", file("ek.pub"), "-n", area("key.pub").name().hex(), "-s", file("secret"),
       "-o", file("made")});
  const auto credential = parse_credential_file(read_file(file("made"), 4096).value());
  ASSERT_THAT(credential, Succeeds());
  EXPECT_EQ(as_text(activate(*credential).value()), kSecret);
}

INSTANTIATE_TEST_SUITE_P(RsaAndEcc, ActivatedByTools, testing::Values("rsa", "ecc"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace sealift::tpm
