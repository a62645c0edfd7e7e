// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/pkcs11_head_signer.h"

#include "services/securitymodule/adapters/softhsm_for_test.h"
#include "services/securitymodule/domain/audit_log.h"
#include "services/securitymodule/domain/module_for_test.h"

namespace sealift::securitymodule {
namespace {

class Pkcs11HeadSignerTest : public testing::Test {
 protected:
  Result<std::unique_ptr<merkle::HeadSigner>> open(MissingKey missing = MissingKey::refuse) const {
    return Pkcs11HeadSigner::open(hsm.uri("log"), missing);
  }
  static Decision decision() { return {"put_seed", {kTenant, "spiffe://x", "1"}, kImage, {}, "accepted"}; }

  SoftHsmForTest hsm;
  const Bytes message = Bytes(100, 0x21);
};

TEST_F(Pkcs11HeadSignerTest, SignsAsEverybodyVerifies) {
  EXPECT_THAT(open(), FailsAt(ErrorCode::not_found, "log-key"));
  const auto signer = open(MissingKey::make).value();
  for (int i = 0; i < 40; ++i) {  // numbers with leading zeros among them
    const auto signature = signer->sign(message);
    ASSERT_THAT(signature, Succeeds());
    EXPECT_THAT(signer->public_key().verify(crypto::HashAlgorithm::sha256, message, *signature), Succeeds());
  }
  EXPECT_EQ(open()->get()->public_key(), signer->public_key());
  const auto seen = hsm.tool({"--list-objects", "--type", "privkey"}).value().out;
  EXPECT_NE(seen.find("sensitive, always sensitive, never extractable"), std::string::npos) << seen;
}

TEST_F(Pkcs11HeadSignerTest, KeepsALogThatGoesOnWhenTheTokensSessionIsLost) {
  const auto directory = TemporaryDirectory::create().value();
  const auto database =
      store::open("sqlite:" + (directory.path() / "keys.db").string(), store::Schema::keys).value();
  const auto store = store::make_audit_store(*database);
  const Vault vault{root_key_of(7)};
  const SystemClock clock;
  const auto log = AuditLog::open(*store, vault, clock, {}, open(MissingKey::make).value()).value();
  std::vector<merkle::Receipt> receipts;
  for (int i = 0; i < 3; ++i) {
    const auto recorded = log->record(decision(), nullptr);
    ASSERT_THAT(recorded, Succeeds()) << i;
    receipts.push_back(merkle::Receipt::parse(*recorded).value());
    SoftHsmForTest::lose_sessions();
  }
  for (const auto& receipt : receipts) EXPECT_THAT(receipt.verify(log->public_key()), Succeeds());
  EXPECT_EQ(receipts.back().index, 2U);
}

TEST_F(Pkcs11HeadSignerTest, LetsNothingBeDecidedWhileTheTokenIsAway) {
  const auto directory = TemporaryDirectory::create().value();
  const auto database =
      store::open("sqlite:" + (directory.path() / "keys.db").string(), store::Schema::keys).value();
  const auto store = store::make_audit_store(*database);
  const Vault vault{root_key_of(7)};
  const SystemClock clock;
  const auto log = AuditLog::open(*store, vault, clock, {}, open(MissingKey::make).value()).value();
  ASSERT_THAT(log->record(decision(), nullptr), Succeeds());
  ASSERT_THAT(write_file(hsm.pin_file(), as_bytes("9999\n"), 0600), Succeeds());  // nobody lets it in again
  SoftHsmForTest::lose_sessions();
  EXPECT_THAT(log->record(decision(), nullptr), FailsAt(ErrorCode::permission_denied, "log-key"));
  EXPECT_EQ(store->head()->size, 1);
  ASSERT_THAT(write_file(hsm.pin_file(), as_bytes("1234\n"), 0600), Succeeds());
  EXPECT_THAT(log->record(decision(), nullptr), Succeeds());
  EXPECT_EQ(store->head()->size, 2);
}

}  // namespace
}  // namespace sealift::securitymodule
