// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/tpm_protector.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::securitymodule {
namespace {

class TpmProtectorTest : public testing::Test {
 protected:
  TpmProtector open(const std::string& pcrs = {}) { return TpmProtector::open(swtpm.tcti() + pcrs).value(); }
  void extend() {
    ASSERT_THAT(swtpm.tool_checked({"tpm2_pcrextend", "7:sha256=" + std::string(64, 'a')}), Succeeds());
  }
  void restart() {
    ASSERT_THAT(swtpm.power_off(), Succeeds());
    ASSERT_THAT(swtpm.power_on(), Succeeds());
  }
  std::string pcr7() const {
    const auto shown = swtpm.tool_checked({"tpm2_pcrread", "sha256:7"}).value().out;
    return shown.substr(shown.find("0x") + 2, 64);
  }

  tpm::SwtpmForTest swtpm = tpm::SwtpmForTest::start().value();
  const Bytes secret = Bytes(32, 0x33);
  ByteView context = as_bytes("context");
};

TEST_F(TpmProtectorTest, GivesBackWhatItWrappedInTheSameStateAlone) {
  const auto wrapped = open().wrap(secret, context).value();
  EXPECT_TRUE(open().unwrap(wrapped, context).value().equals(secret));
  extend();
  EXPECT_THAT(open().unwrap(wrapped, context), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
  restart();
  EXPECT_TRUE(open().unwrap(wrapped, context).value().equals(secret));
}

TEST_F(TpmProtectorTest, WrapsForAStateThatIsStillToCome) {
  const auto present = pcr7();
  extend();
  const auto next = pcr7();
  restart();
  ASSERT_EQ(pcr7(), present);
  const auto wrapped = open("?pcrs=sha256:7=" + next).wrap(secret, context).value();
  EXPECT_THAT(open().unwrap(wrapped, context), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
  extend();
  EXPECT_TRUE(open().unwrap(wrapped, context).value().equals(secret));
}

TEST_F(TpmProtectorTest, IsAnotherKeyOnceTheTpmIsClearedOrAnother) {
  const auto wrapped = open().wrap(secret, context).value();
  const auto before = open().key_id();
  ASSERT_THAT(swtpm.tool_checked({"tpm2_clear", "-c", "p"}), Succeeds());
  EXPECT_NE(open().key_id(), before);
  const auto refused = open().unwrap(wrapped, context);
  ASSERT_THAT(refused, FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_NE(refused.error().message.find(before), std::string::npos);
}

TEST_F(TpmProtectorTest, RefusesWhatWasAltered) {
  const auto protector = open();
  const auto wrapped = protector.wrap(secret, context).value();
  for (std::size_t i = 0; i < wrapped.size(); i += 3) {
    auto edited = wrapped;
    edited[i] ^= 1;
    EXPECT_FALSE(protector.unwrap(edited, context)) << i;
    EXPECT_FALSE(protector.unwrap(ByteView{wrapped}.first(i), context)) << i;
  }
  EXPECT_THAT(protector.unwrap(wrapped, as_bytes("another")), FailsWith(ErrorCode::authentication_failed));
}

TEST_F(TpmProtectorTest, SaysWhatItCannotUnderstand) {
  for (const auto* const pcrs : {"?pcrs=", "?pcrs=sha256:99", "?pcrs=sha256:7=12", "?pcrs=md5:1"})
    EXPECT_THAT(TpmProtector::open(swtpm.tcti() + pcrs), FailsAt(ErrorCode::invalid_argument, "protector"))
        << pcrs;
  EXPECT_THAT(TpmProtector::open("swtpm:path=/nowhere"), FailsWith(ErrorCode::tpm_unavailable));
}

}  // namespace
}  // namespace sealift::securitymodule
