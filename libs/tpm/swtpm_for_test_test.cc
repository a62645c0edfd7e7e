// SPDX-License-Identifier: Apache-2.0
#include "tpm/swtpm_for_test.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::tpm {
namespace {

TEST(SwtpmForTest, AnswersFromTheFirstCommandOn) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  const auto random = swtpm->tool_checked({"tpm2_getrandom", "--hex", "8"});
  ASSERT_THAT(random, Succeeds());
  EXPECT_EQ(random->out.size(), 16U);
}

TEST(SwtpmForTest, KeepsItsNvMemoryButNotItsPcrsThroughAPowerCycle) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  ASSERT_THAT(swtpm->tool_checked({"tpm2_nvdefine", "0x1500016", "-C", "o", "-s", "4"}), Succeeds());
  ASSERT_THAT(swtpm->tool_checked({"tpm2_pcrextend", "6:sha256=" + std::string(64, '1')}), Succeeds());
  ASSERT_THAT(swtpm->power_off(), Succeeds());
  ASSERT_THAT(swtpm->power_on(), Succeeds());
  EXPECT_THAT(swtpm->tool_checked({"tpm2_nvreadpublic", "0x1500016"}), Succeeds());
  const auto pcrs = swtpm->tool_checked({"tpm2_pcrread", "sha256:6"});
  ASSERT_THAT(pcrs, Succeeds());
  EXPECT_NE(pcrs->out.find("0x" + std::string(64, '0')), std::string::npos) << pcrs->out;
}

TEST(SwtpmForTest, DoesNotAnswerWhileItIsOff) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  ASSERT_THAT(swtpm->power_off(), Succeeds());
  EXPECT_THAT(swtpm->tool_checked({"tpm2_getrandom", "--hex", "8"}), FailsWith(ErrorCode::io_error));
}

}  // namespace
}  // namespace sealift::tpm
