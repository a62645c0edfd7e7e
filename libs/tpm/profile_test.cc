// SPDX-License-Identifier: Apache-2.0
#include "tpm/profile.h"

#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tpm {
namespace {

TEST(Profile, IsFoundByItsName) {
  EXPECT_EQ(profile_from_name("firmware").value(), &firmware_profile());
  EXPECT_EQ(profile_from_name("owner").value(), &owner_profile());
  EXPECT_THAT(profile_from_name("Owner"), FailsAt(ErrorCode::invalid_argument, "profile"));
}

TEST(Profile, OfTheOwnerSharesNothingWithTheFirmwares) {
  EXPECT_NE(owner_profile().password_index, firmware_profile().password_index);
  EXPECT_NE(owner_profile().storage_key, firmware_profile().storage_key);
  EXPECT_NE(owner_profile().password_index_name(), firmware_profile().password_index_name());
  EXPECT_NE(owner_profile().storage_key_policy(some_pcrs()),
            firmware_profile().storage_key_policy(some_pcrs()));
}

TEST(Profile, NamesPcrsThatParse) {
  for (const auto* const profile : {&firmware_profile(), &owner_profile()}) {
    EXPECT_THAT(PcrSelection::parse(profile->pcrs), Succeeds());
  }
}

TEST(Profile, GivesTheStorageKeyNoAttributeBeyondTheDesigns) {
  for (const auto kind : {KeyKind::rsa2048, KeyKind::p256}) {
    const auto area = firmware_profile().storage_key_template(kind, some_pcrs());
    EXPECT_EQ(area.objectAttributes,
              0x00030432U);  // fixedTPM fixedParent sensitiveDataOrigin noDA restricted decrypt
    EXPECT_EQ(area.authPolicy.size, 32);
  }
}

TEST(Profile, BindsTheStorageKeyToThePcrValue) {
  const auto other = PcrValues::parse("sha256:6=" + std::string(64, 'b')).value();
  EXPECT_NE(firmware_profile().storage_key_policy(some_pcrs()), firmware_profile().storage_key_policy(other));
}

}  // namespace
}  // namespace sealift::tpm
