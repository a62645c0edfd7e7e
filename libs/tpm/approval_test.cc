// SPDX-License-Identifier: Apache-2.0
#include "tpm/approval.h"

#include <nlohmann/json.hpp>

#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tpm {
namespace {

const crypto::PrivateKey& key() {
  static const auto one = fresh_key(KeyKind::p256);
  return one;
}

Approval approval() { return approve(key(), firmware_profile(), "firmware 2026.1", 7, some_pcrs()).value(); }
Withdrawal withdrawal() { return withdraw_below(key(), firmware_profile(), 7).value(); }

TEST(Approvals, AreReadAsTheyWereWritten) {
  const auto read = parse_approval(as_bytes(to_json(approval())));
  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(read->name, "firmware 2026.1");
  EXPECT_EQ(read->profile, &firmware_profile());
  EXPECT_EQ(read->version, 7U);
  EXPECT_EQ(read->state, some_pcrs());
  EXPECT_EQ(read->policy.approver(), Approver::create(key().public_key()).value());
  const auto withdrawn = parse_withdrawal(as_bytes(to_json(withdrawal())));
  ASSERT_THAT(withdrawn, Succeeds());
  EXPECT_EQ(withdrawn->version, 7U);
}

TEST(Approvals, AreWhatTheApproverSignedAndNothingElse) {
  const auto signed_one = approval();
  const auto& signature = signed_one.policy.signature();
  const auto approver = Approver::create(key().public_key()).value();
  const auto stranger = Approver::create(fresh_key(KeyKind::p256).public_key()).value();
  const auto check = [&](const Approver& by, const Profile& profile, std::uint64_t version,
                         const PcrValues& state) {
    return check_approval(by, profile, "x", version, state, signature);
  };
  const auto other = PcrValues::parse("sha256:6=" + std::string(64, 'b')).value();
  EXPECT_THAT(check(approver, firmware_profile(), 7, some_pcrs()), Succeeds());
  EXPECT_THAT(check(stranger, firmware_profile(), 7, some_pcrs()), FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(check(approver, owner_profile(), 7, some_pcrs()), FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(check(approver, firmware_profile(), 8, some_pcrs()), FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(check(approver, firmware_profile(), 7, other), FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(check_withdrawal(approver, firmware_profile(), 7, signature),
              FailsWith(ErrorCode::signature_invalid));
  EXPECT_THAT(SignedPolicy::check(approver, signed_one.policy.policy(), kWithdrawalReference, signature),
              FailsWith(ErrorCode::signature_invalid));
}

TEST(Approvals, AreSignedByAP256KeyAlone) {
  for (const auto kind : {KeyKind::rsa2048, KeyKind::p384})
    EXPECT_THAT(approve(fresh_key(kind), firmware_profile(), "x", 1, some_pcrs()),
                FailsAt(ErrorCode::key_unsupported, "key"));
}

TEST(Approvals, HaveANameAndAVersion) {
  for (const auto version : {std::uint64_t{0}, kMaxVersion + 1}) {
    EXPECT_THAT(approve(key(), firmware_profile(), "x", version, some_pcrs()),
                FailsAt(ErrorCode::invalid_argument, "version"));
    EXPECT_THAT(withdraw_below(key(), firmware_profile(), version),
                FailsAt(ErrorCode::invalid_argument, "version"));
  }
  for (const auto& name : {std::string{}, std::string(kMaxApprovalName + 1, 'x')})
    EXPECT_THAT(approve(key(), firmware_profile(), name, 1, some_pcrs()),
                FailsAt(ErrorCode::invalid_argument, "name"));
}

TEST(Approvals, AreRefusedWithTheMemberThatIsWrong) {
  const auto refused = [](const char* member, const nlohmann::json& value) {
    auto document = nlohmann::json::parse(to_json(approval()));
    document[member] = value;
    const auto read = parse_approval(as_bytes(document.dump()));
    EXPECT_THAT(read, FailsAt(ErrorCode::malformed, member));
  };
  refused("format", "sealift.withdrawal.v1");
  refused("profile", "bios");
  refused("version", 0);
  refused("version", "7");
  refused("key", "AAAA");
  refused("signature", 1);
  refused("name", "");
  refused("pcrs", "sha256:6");
  refused("pcrs", std::string(10'000, 'a'));
  refused("surprise", 1);
}

TEST(Approvals, AreRefusedAtEveryTruncation) {
  for (const auto& text : {to_json(approval()), to_json(withdrawal())}) {
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
      EXPECT_FALSE(parse_approval(as_bytes(text.substr(0, size))));
      EXPECT_FALSE(parse_withdrawal(as_bytes(text.substr(0, size))));
    }
  }
}

// A name is for people and not signed. DER and base64 have more than one spelling for few bits.
TEST(Approvals, MeanTheSameOrNothingWithAnyBitFlipped) {
  const auto text = to_json(approval());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto altered = to_bytes(as_bytes(text));
      altered[i] ^= static_cast<std::uint8_t>(1U << bit);
      const auto read = parse_approval(altered);
      if (!read) continue;
      EXPECT_EQ(read->version, 7U) << i;
      EXPECT_EQ(read->state, some_pcrs()) << i;
      EXPECT_EQ(read->policy.approver(), approval().policy.approver()) << i;
    }
  }
}

}  // namespace
}  // namespace sealift::tpm
