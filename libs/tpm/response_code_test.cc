// SPDX-License-Identifier: Apache-2.0
#include "tpm/response_code.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::tpm {
namespace {

Status failed(std::uint32_t code) { return fail_rc("TPM2_Import", code); }

// As tpm2_rc_decode names them.
TEST(ResponseCode, NamesWhatIsAtFault) {
  EXPECT_EQ(failed(0x2df).error().message, "TPM2_Import: TPM_RC_INTEGRITY (parameter 2)");
  EXPECT_EQ(failed(0x99d).error().message, "TPM2_Import: TPM_RC_POLICY_FAIL (session 1)");
  EXPECT_EQ(failed(0x18b).error().message, "TPM2_Import: TPM_RC_HANDLE (handle 1)");
  EXPECT_EQ(failed(0x101).error().message, "TPM2_Import: TPM_RC_FAILURE");
  EXPECT_EQ(failed(0x903).error().message, "TPM2_Import: TPM_RC_SESSION_MEMORY");
  EXPECT_EQ(failed(0x14c).error().message, "TPM2_Import: TPM_RC_NV_DEFINED");
}

TEST(ResponseCode, IsTheErrorsFieldWithoutItsVariant) {
  EXPECT_THAT(failed(0x99d), FailsAt(ErrorCode::tpm_error, "TPM_RC_POLICY_FAIL"));
  EXPECT_THAT(failed(0x9a2), FailsAt(ErrorCode::tpm_error, "TPM_RC_BAD_AUTH"));
  EXPECT_THAT(failed(0x98e), FailsAt(ErrorCode::tpm_error, "TPM_RC_AUTH_FAIL"));
  EXPECT_TRUE(is_rc(failed(0x98e).error(), "TPM_RC_AUTH_FAIL"));
  EXPECT_FALSE(is_rc(failed(0x98e).error(), "TPM_RC_BAD_AUTH"));
}

TEST(ResponseCode, ShowsTheNumberOfOneItDoesNotKnow) { EXPECT_EQ(rc_name(0x57f), "TPM_RC_0x57F"); }

TEST(ResponseCode, TellsARefusalFromWhatMayPass) {
  EXPECT_TRUE(is_refusal(failed(0x2df).error()));
  EXPECT_FALSE(is_passing(failed(0x2df).error()));
  EXPECT_TRUE(is_passing(failed(0x903).error()));  // SESSION_MEMORY
  EXPECT_TRUE(is_passing(failed(0x128).error()));  // PCR_CHANGED
  EXPECT_FALSE(is_refusal(failed(0x903).error()));
  EXPECT_FALSE(is_passing(failed(0x101).error()));  // FAILURE
  EXPECT_TRUE(is_passing(Error{ErrorCode::tpm_unavailable, "", "", ""}));
}

}  // namespace
}  // namespace sealift::tpm
