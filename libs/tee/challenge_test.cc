// SPDX-License-Identifier: Apache-2.0
#include "tee/challenge.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tee/host_for_test.h"

namespace sealift::tee {
namespace {

TimePoint after(std::chrono::seconds time) { return test_pki::now() + time; }

TEST(ChallengeTest, MakesAnEnrolledHostOfTheRightAnswer) {
  auto challenge = host().challenge();
  const auto answer = host().activate(challenge.credential());
  ASSERT_THAT(answer, Succeeds());
  const auto enrolled = challenge.finish(*answer, after(std::chrono::seconds{299}));
  ASSERT_THAT(enrolled, Succeeds());
  EXPECT_EQ(enrolled->storage_key_name(), host().storage_key.name());
  EXPECT_EQ(enrolled->hardware_key_hash(), hardware_key_hash(host().ek.public_key()));
  EXPECT_EQ(enrolled->enrolled_at(), test_pki::kNow + 299);
  EXPECT_THAT(enrolled->storage_key().seal(as_bytes("seed"), tpm::Policy{}.pcr(tpm::some_pcrs()).digest()),
              Succeeds());
}

TEST(ChallengeTest, CannotBeAnsweredByAKeyOutsideTheTpm) {
  // A program claims a storage key with perfect attributes and the public data of a genuine TPM. It cannot
  // load that key into the TPM, and the TPM activates credentials only for what is loaded.
  auto challenge = host().challenge();
  const auto in_the_tpm = tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::p256), tpm::KeyKind::p256);
  EXPECT_THAT(host().activate(challenge.credential(), in_the_tpm.name()),
              FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_THAT(challenge.finish(Bytes(32, 0), test_pki::now()),
              FailsAt(ErrorCode::challenge_response_differs, "response"));
}

TEST(ChallengeTest, CannotBeAnsweredByAnotherTpm) {
  const HostForTest other;
  EXPECT_FALSE(other.activate(host().challenge().credential()));
}

TEST(ChallengeTest, RefusesTheAnswerToAnotherChallenge) {
  auto first = host().challenge();
  auto second = host().challenge();
  EXPECT_THAT(second.finish(*host().activate(first.credential()), test_pki::now()),
              FailsWith(ErrorCode::challenge_response_differs));
}

TEST(ChallengeTest, RefusesEveryFlippedBitTruncationAndExtension) {
  const auto challenge = host().challenge();
  const auto right = host().activate(challenge.credential()).value();
  const auto refuses = [&](const Bytes& answer) {
    auto copy = Challenge::from_json(challenge.to_json()).value();
    EXPECT_THAT(copy.finish(answer, test_pki::now()), FailsWith(ErrorCode::challenge_response_differs));
  };
  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    auto wrong = right;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    refuses(wrong);
  }
  for (std::size_t size = 0; size < right.size(); ++size)
    refuses(Bytes(right.begin(), right.begin() + static_cast<long>(size)));
  for (const std::size_t size : {33U, 64U, 65U, 100000U}) {
    auto longer = right;
    longer.resize(size);
    refuses(longer);
  }
}

TEST(ChallengeTest, CountsOnceWhateverTheAnswerWas) {
  auto challenge = host().challenge();
  const auto right = host().activate(challenge.credential()).value();
  EXPECT_THAT(challenge.finish(Bytes(32, 1), test_pki::now()),
              FailsWith(ErrorCode::challenge_response_differs));
  EXPECT_THAT(challenge.finish(right, test_pki::now()), FailsAt(ErrorCode::challenge_used, "challenge"));
  auto other = host().challenge();
  const auto answer = host().activate(other.credential()).value();
  EXPECT_THAT(other.finish(answer, test_pki::now()), Succeeds());
  EXPECT_THAT(other.finish(answer, test_pki::now()), FailsAt(ErrorCode::challenge_used, "challenge"));
}

TEST(ChallengeTest, ExpiresAndDoesNotLiveLongerWhenTheClockGoesBack) {
  for (const auto time :
       {std::chrono::seconds{300}, std::chrono::seconds{100000}, std::chrono::seconds{-1}}) {
    auto challenge = host().challenge();
    const auto answer = host().activate(challenge.credential()).value();
    EXPECT_THAT(challenge.finish(answer, after(time)), FailsAt(ErrorCode::challenge_expired, "expires_at"));
  }
}

TEST(ChallengeTest, IsNeverTheSameTwice) {
  const auto a = host().challenge();
  const auto b = host().challenge();
  EXPECT_NE(a.id(), b.id());
  EXPECT_NE(a.credential().id_object, b.credential().id_object);
  EXPECT_NE(host().activate(a.credential()).value(), host().activate(b.credential()).value());
}

class ChallengeFile : public testing::Test {
 protected:
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::filesystem::path path_ = directory_.path() / "challenge";
};

TEST_F(ChallengeFile, KeepsTheChallengeForItsOwnerOnlyAndWithoutItsSecret) {
  const auto challenge = host().challenge();
  ASSERT_THAT(challenge.save(path_), Succeeds());
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto secret = host().activate(challenge.credential()).value();
  EXPECT_EQ(challenge.to_json().find(to_hex(secret)), std::string::npos);
  auto again = Challenge::take(path_);
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->to_json(), challenge.to_json());
  EXPECT_THAT(again->finish(secret, test_pki::now()), Succeeds());
}

TEST_F(ChallengeFile, IsTakenOnce) {
  ASSERT_THAT(host().challenge().save(path_), Succeeds());
  ASSERT_THAT(Challenge::take(path_), Succeeds());
  EXPECT_THAT(Challenge::take(path_), FailsAt(ErrorCode::challenge_used, "challenge"));
}

TEST_F(ChallengeFile, IsNotFoundWhereThereNeverWasOne) {
  EXPECT_THAT(Challenge::take(path_), FailsWith(ErrorCode::not_found));
}

TEST_F(ChallengeFile, DoesNotReplaceAnother) {
  ASSERT_THAT(host().challenge().save(path_), Succeeds());
  EXPECT_THAT(host().challenge().save(path_), FailsWith(ErrorCode::already_exists));
}

}  // namespace
}  // namespace sealift::tee
