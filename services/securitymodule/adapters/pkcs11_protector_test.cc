// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/pkcs11_protector.h"

#include "services/securitymodule/adapters/softhsm_for_test.h"

namespace sealift::securitymodule {
namespace {

class Pkcs11ProtectorTest : public testing::Test {
 protected:
  Pkcs11Protector make(const std::string& object = "root") {
    return Pkcs11Protector::open(hsm.uri(object), MissingKey::make).value();
  }
  Result<Pkcs11Protector> open(const std::string& uri) {
    return Pkcs11Protector::open(uri, MissingKey::refuse);
  }

  SoftHsmForTest hsm;
  const Bytes secret = Bytes(32, 0x33);
  ByteView context = as_bytes("context");
};

TEST_F(Pkcs11ProtectorTest, GivesBackWhatItWrappedAlsoInAnotherProcessLifetime) {
  Bytes wrapped;
  {
    const auto made = make();
    wrapped = made.wrap(secret, context).value();
    EXPECT_TRUE(made.unwrap(wrapped, context).value().equals(secret));
  }
  const auto again = open(hsm.uri());
  ASSERT_THAT(again, Succeeds());
  EXPECT_TRUE(again->unwrap(wrapped, context).value().equals(secret));
  EXPECT_NE(make().wrap(secret, context).value(), wrapped);
}

TEST_F(Pkcs11ProtectorTest, MakesAKeyThatNeverLeavesTheToken) {
  make();
  const auto seen = hsm.tool({"--list-objects", "--type", "secrkey"}).value().out;
  EXPECT_NE(seen.find("AES length 32"), std::string::npos) << seen;
  EXPECT_NE(seen.find("sensitive, always sensitive, never extractable"), std::string::npos) << seen;
}

TEST_F(Pkcs11ProtectorTest, RefusesEveryAlteredBitAndEveryOtherContext) {
  const auto protector = make();
  const auto wrapped = protector.wrap(secret, context).value();
  for (std::size_t i = 0; i < wrapped.size() * 8; ++i) {
    auto edited = wrapped;
    edited[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_FALSE(protector.unwrap(edited, context)) << i;
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size)
    EXPECT_FALSE(protector.unwrap(ByteView{wrapped}.first(size), context)) << size;
  EXPECT_THAT(protector.unwrap(wrapped, as_bytes("another")), FailsWith(ErrorCode::authentication_failed));
  EXPECT_THAT(make("other").unwrap(wrapped, context), FailsWith(ErrorCode::authentication_failed));
  EXPECT_THAT(protector.unwrap(wrapped, context), Succeeds());
}

TEST_F(Pkcs11ProtectorTest, LogsInAgainWhenItsSessionIsLost) {
  const auto protector = make();
  const auto wrapped = protector.wrap(secret, context).value();
  SoftHsmForTest::lose_sessions();
  EXPECT_TRUE(protector.unwrap(wrapped, context).value().equals(secret));
  SoftHsmForTest::lose_sessions();
  EXPECT_THAT(protector.wrap(secret, context), Succeeds());
}

TEST_F(Pkcs11ProtectorTest, MakesNoKeyUnlessItIsAskedTo) {
  EXPECT_THAT(open(hsm.uri()), FailsAt(ErrorCode::not_found, "protector"));
  EXPECT_THAT(open(hsm.uri("root", "nowhere")), FailsAt(ErrorCode::not_found, "protector"));
  EXPECT_EQ(make().key_id(), make().key_id());  // the second finds the first's
}

TEST_F(Pkcs11ProtectorTest, TakesNoKeyThatCouldBeReadOut) {
  ASSERT_THAT(
      hsm.tool({"--keygen", "--key-type", "AES:32", "--label", "open", "--id", "01", "--extractable"}),
      Succeeds());
  EXPECT_THAT(open(hsm.uri("open")), FailsAt(ErrorCode::failed_precondition, "protector"));
}

TEST_F(Pkcs11ProtectorTest, DoesNotChooseBetweenTwoKeysOfOneName) {
  for (const auto* const id : {"01", "02"})
    ASSERT_THAT(hsm.tool({"--keygen", "--key-type", "AES:32", "--label", "twice", "--id", id, "--sensitive"}),
                Succeeds());
  EXPECT_THAT(open(hsm.uri("twice")), FailsAt(ErrorCode::failed_precondition, "protector"));
  EXPECT_THAT(open(hsm.uri("twice;id=%01")), Succeeds());
}

TEST_F(Pkcs11ProtectorTest, TakesThePinFromAFileOfItsOwnerAlone) {
  make();
  std::filesystem::permissions(hsm.pin_file(), std::filesystem::perms{0644});
  EXPECT_THAT(open(hsm.uri()), FailsAt(ErrorCode::permission_denied, "pin-source"));
  ASSERT_THAT(write_file(hsm.pin_file(), as_bytes("9999"), 0600), Succeeds());
  EXPECT_THAT(open(hsm.uri()), FailsAt(ErrorCode::permission_denied, "protector"));
  const std::string module = SoftHsmForTest::kModule;
  for (const auto& uri :
       {"pkcs11:token=sealift;object=root?pin-value=1234&module-path=" + module,
        "pkcs11:token=sealift;object=root?module-path=" + module,
        "pkcs11:token=sealift;object=root?pin-source=file:" + hsm.pin_file().string(),
        "pkcs11:token=sealift?pin-source=file:/x&module-path=" + module, std::string{"pkcs11:nonsense"}})
    EXPECT_THAT(open(uri), FailsAt(ErrorCode::invalid_argument, "protector")) << uri;
  EXPECT_THAT(open("pkcs11:object=a?module-path=/nowhere.so&pin-source=file:/x"),
              FailsAt(ErrorCode::dependency_missing, "protector"));
}

}  // namespace
}  // namespace sealift::securitymodule
