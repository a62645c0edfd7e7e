// SPDX-License-Identifier: Apache-2.0
/// A customer's launch on SEV through relays that alter what they carry: never does anybody but the PSP of
/// the expected launch get a secret that can be opened.
#include "cli/cloud/keep_launch.h"

#include "base/matchers.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/platform_for_test.h"
#include "tee/sev/secret_packet.h"

namespace sealift::cli {
namespace {

constexpr sev::FirmwareVersion kFirmware{{0, 24}, 13};

class KeepingTheLaunchSecret : public testing::Test {
 protected:
  static const sev::PlatformForTest& machine() {
    static const auto platform = sev::PlatformForTest::make();
    return platform;
  }
  static crypto::Digest expected() { return sev::launch_digest(Bytes(100, 'f'), std::nullopt); }
  static Bytes evidence() {
    const auto c = machine().certificates();
    const auto text = to_json(sev::Evidence{kFirmware, to_bytes(c.pdh), to_bytes(c.pek), to_bytes(c.oca),
                                            to_bytes(c.cek), to_bytes(c.ask), to_bytes(c.ark)});
    return to_bytes(as_bytes(text));
  }
  static SecretBytes table() {
    std::vector<sev::SecretEntry> entries;
    entries.push_back(
        {sev::Guid::parse(sev::kDiskKeyGuid).value(), SecretBytes::copy_of(as_bytes("passphrase"))});
    return sev::write_secret_table(entries).value();
  }

  /// An honest PSP; what it loaded is `digest`. Nothing where it does not take the session.
  struct Psp {
    crypto::Digest digest = expected();
    std::optional<sev::TransportKeys> keys{};
    Bytes measurement{};

    Result<Bytes> load(ByteView question) {
      SEALIFT_TRY(const auto request, sev::parse_launch_request(question));
      SEALIFT_TRY(const auto godh, sev::Certificate::parse(request.godh, "godh"));
      SEALIFT_TRY(keys, sev::open_session(machine().pdh_key, godh, request.session, request.policy));
      measurement = to_bytes(sev::measure(keys->tik, kFirmware, request.policy, digest, {4, 5}).bytes());
      return measurement;
    }
    bool takes(const v1::LaunchSecret& secret) const {
      const auto opened = sev::open_packet(*keys, sev::Measurement::parse(measurement).value(),
                                           as_bytes(secret.header()), as_bytes(secret.payload()));
      const auto plain = table();
      return opened && opened->equals(plain.expose());
    }
  };

  Result<v1::LaunchSecret> prove(ByteView shown, const Ask& ask) {
    sev::LaunchPolicy policy{.policy = sev::Policy{3}};
    policy.roots = {machine().root->pin()};
    policy.expected = expected();
    SevProver prover{std::move(policy), table(), clock_};
    SEALIFT_TRY(const auto request, prover.prove(shown, ask));
    EXPECT_FALSE(request.has_sealed_data());
    return request.launch_secret();
  }
  static Bytes flipped(ByteView bytes, std::size_t place) {
    auto other = to_bytes(bytes);
    other.at(place) ^= 1U;
    return other;
  }

  FakeClock clock_{TimePoint{std::chrono::seconds{1'800'000'000}}};
  Psp psp_;
};

TEST_F(KeepingTheLaunchSecret, GivesItToTheLaunchThatWasExpected) {
  const auto secret = prove(evidence(), [&](ByteView question) { return psp_.load(question); });
  ASSERT_THAT(secret, Succeeds());
  EXPECT_TRUE(psp_.takes(*secret));
}

TEST_F(KeepingTheLaunchSecret, GivesNothingWhereSomethingElseWasLoaded) {
  psp_.digest = sev::launch_digest(Bytes(100, 'g'), std::nullopt);
  EXPECT_THAT(prove(evidence(), [&](ByteView question) { return psp_.load(question); }),
              FailsWith(ErrorCode::launch_measurement_differs));
}

TEST_F(KeepingTheLaunchSecret, NoticesEveryByteOfTheMeasurementThatIsAltered) {
  for (std::size_t place = 0; place < sev::kMeasurementSize; ++place) {
    EXPECT_FALSE(prove(evidence(), [&](ByteView question) -> Result<Bytes> {
      SEALIFT_TRY(const auto answer, psp_.load(question));
      return flipped(answer, place);
    })) << place;
  }
}

TEST_F(KeepingTheLaunchSecret, GivesNothingUnderASessionThatWasAltered) {
  std::size_t size = 1;
  for (std::size_t place = 0; place < size; place += 23) {
    const auto secret = prove(evidence(), [&](ByteView question) {
      size = question.size();
      return psp_.load(flipped(question, place));
    });
    // White space and the parts of a GODH that nobody reads may differ: then it is the PSP's own launch.
    EXPECT_TRUE(!secret || psp_.takes(*secret)) << place;
  }
  EXPECT_GT(size, 1000U);
}

TEST_F(KeepingTheLaunchSecret, GivesNothingToEvidenceThatWasAltered) {
  const auto shown = evidence();
  for (std::size_t place = 0; place < shown.size(); place += 97) {
    Psp psp;
    const auto secret = prove(flipped(shown, place), [&](ByteView question) { return psp.load(question); });
    EXPECT_TRUE(!secret || psp.takes(*secret)) << place;
  }
}

TEST_F(KeepingTheLaunchSecret, GivesNothingToARelayThatMakesTheSessionItsOwn) {
  const auto policy = sev::Policy{3};
  const auto other = sev::PlatformForTest::make();
  const auto secret = prove(evidence(), [&](ByteView) -> Result<Bytes> {
    const auto own = sev::make_session_unverified(other.pdh, policy).value();
    return to_bytes(sev::measure(own.keys.tik, kFirmware, policy, expected(), {1}).bytes());
  });
  EXPECT_THAT(secret, FailsWith(ErrorCode::launch_measurement_differs));
}

TEST_F(KeepingTheLaunchSecret, IsOfNoUseToAnotherLaunchNorWhereItIsAltered) {
  const auto secret = prove(evidence(), [&](ByteView question) { return psp_.load(question); }).value();
  Psp second;
  (void)prove(evidence(), [&](ByteView question) { return second.load(question); });
  EXPECT_FALSE(second.takes(secret));
  for (std::size_t place = 0; place < secret.header().size(); ++place) {
    auto altered = secret;
    (*altered.mutable_header())[place] = static_cast<char>(altered.header()[place] ^ 1);
    EXPECT_FALSE(psp_.takes(altered)) << place;
  }
  for (std::size_t place = 0; place < secret.payload().size(); ++place) {
    auto altered = secret;
    (*altered.mutable_payload())[place] = static_cast<char>(altered.payload()[place] ^ 1);
    EXPECT_FALSE(psp_.takes(altered)) << place;
  }
}

}  // namespace
}  // namespace sealift::cli
