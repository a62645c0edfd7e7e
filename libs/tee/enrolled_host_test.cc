// SPDX-License-Identifier: Apache-2.0
#include "tee/enrolled_host.h"

#include "base/matchers.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

// Nobody makes one without a challenge.
static_assert(!std::is_default_constructible_v<EnrolledHost>);
static_assert(!std::is_constructible_v<EnrolledHost, VerifiedStorageKey, tpm::StorageKey, crypto::Certificate,
                                       Digest, std::int64_t>);
static_assert(!std::is_constructible_v<VerifiedPlatform, tpm::Public, crypto::Certificate, Digest>);

const std::string& file() {
  static const auto kFile = [] {
    auto challenge = host().challenge();
    return challenge.finish(host().activate(challenge.credential()).value(), test_pki::now())->to_json();
  }();
  return kFile;
}

std::string edited(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(EnrolledHostFile, ComesBackAsItWas) {
  const auto again = EnrolledHost::from_json(file());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->to_json(), file());
  EXPECT_EQ(again->storage_key_name(), host().storage_key.name());
  EXPECT_EQ(again->enrolled_at(), test_pki::kNow);
}

TEST(EnrolledHostFile, NamesEachMemberThatIsMissingOrTwice) {
  for (const std::string member : {"format", "backend", "enrolled_at", "hardware_key_hash", "profile",
                                   "approved_pcrs", "storage_key_name", "storage_key", "ek_certificate"}) {
    const auto without = edited(file(), "\"" + member + "\"", "\"x\"");
    EXPECT_THAT(EnrolledHost::from_json(without), FailsAt(ErrorCode::malformed, member));
    const auto twice = edited(file(), "{", "{\"" + member + "\": \"\",");
    EXPECT_THAT(EnrolledHost::from_json(twice), FailsWith(ErrorCode::malformed));
  }
  EXPECT_THAT(EnrolledHost::from_json(edited(file(), "{", "{\"more\": 1,")),
              FailsAt(ErrorCode::malformed, "more"));
}

TEST(EnrolledHostFile, NamesEachMemberThatIsWrong) {
  const auto refused_at = [](const char* field, std::string_view from, std::string_view to) {
    EXPECT_THAT(EnrolledHost::from_json(edited(file(), from, to)), FailsAt(ErrorCode::malformed, field));
  };
  const auto hash = to_hex(hardware_key_hash(host().ek.public_key()).view());
  refused_at("format", "host.v1", "host.v2");
  refused_at("backend", "measured", "pef");
  refused_at("enrolled_at", std::to_string(test_pki::kNow), "-1");
  refused_at("enrolled_at", std::to_string(test_pki::kNow), "\"now\"");
  refused_at("profile", "firmware", "hardware");
  refused_at("approved_pcrs", "sha256:6", "sha256:66");
  refused_at("hardware_key_hash", hash, std::string(64, '0'));
  refused_at("hardware_key_hash", hash, "00");
  refused_at("storage_key_name", host().storage_key.name().hex(), host().ek_public.name().hex());
}

TEST(EnrolledHostFile, ChecksTheStorageKeyAgain) {
  EXPECT_THAT(EnrolledHost::from_json(edited(file(), "\"firmware\"", "\"owner\"")),
              FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
  EXPECT_THAT(EnrolledHost::from_json(edited(file(), std::string(64, 'a'), std::string(64, 'b'))),
              FailsAt(ErrorCode::storage_key_policy_differs, "authPolicy"));
}

TEST(EnrolledHostFile, RefusesEveryTruncationAndWhatIsNotFlat) {
  for (std::size_t size = 0; size + 1 < file().size(); ++size) {
    EXPECT_FALSE(EnrolledHost::from_json(std::string_view{file()}.substr(0, size))) << size;
  }
  for (const std::string text : {"[]", "null", "\"text\"", "1", "{\"format\": {}}", "{\"format\": []}",
                                 "{\"format\": true}", "{\"format\": 1.5}", "{}{}"}) {
    EXPECT_THAT(EnrolledHost::from_json(text), FailsWith(ErrorCode::malformed)) << text;
  }
  EXPECT_THAT(EnrolledHost::from_json(std::string(200000, '[')), FailsWith(ErrorCode::too_large));
}

TEST(EnrolledHostFile, KeepsTheApproverThatTheKeyIsBoundTo) {
  HostForTest bound;
  const auto key = tpm::fresh_key(tpm::KeyKind::p256).public_key();
  const auto approver = tpm::Approver::create(key).value();
  auto area = tpm::firmware_profile().storage_key_template(tpm::KeyKind::p256, approver.name());
  tpm::set_numbers(area, tpm::fresh_key(tpm::KeyKind::p256).public_key());
  bound.storage_key = tpm::Public::from_template(area).value();
  const MeasuredPolicy policy{HostForTest::roots(), &tpm::firmware_profile(), approver};
  auto challenge = challenge_measured_host(bound.evidence(), policy, test_pki::now());
  ASSERT_THAT(challenge, Succeeds());
  const auto enrolled = challenge->finish(bound.activate(challenge->credential()).value(), test_pki::now());
  ASSERT_THAT(enrolled, Succeeds());
  const auto again = EnrolledHost::from_json(enrolled->to_json());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->key().approved(), approver);
  EXPECT_EQ(again->to_json(), enrolled->to_json());
  EXPECT_THAT(EnrolledHost::from_json(edited(enrolled->to_json(), "\"approver\": \"", "\"approver\": \"AA")),
              FailsAt(ErrorCode::malformed, "approver"));
  EXPECT_THAT(EnrolledHost::from_json(edited(enrolled->to_json(), "{", "{\"approved_pcrs\": \"\",")),
              FailsAt(ErrorCode::malformed, "approved_pcrs"));
}

}  // namespace
}  // namespace sealift::tee
