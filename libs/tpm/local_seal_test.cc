// SPDX-License-Identifier: Apache-2.0
#include "tpm/local_seal.h"

#include <gtest/gtest.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "base/matchers.h"
#include "tpm/commands.h"
#include "tpm/fault_channel_for_test.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

class LocalSeal : public testing::Test {
 protected:
  PcrSelection pcrs = PcrSelection::parse("sha256:7").value();
  SwtpmForTest swtpm = SwtpmForTest::start().value();
  Tpm tpm = Tpm::open(swtpm.tcti()).value();
  Public parent = storage_primary(tpm).value();
  SealedData sealed =
      seal(StorageKey::prepare(parent).value(), Bytes(32, kFill), read_pcrs(tpm, pcrs).value()).value();

  Result<SecretBytes> open(Tpm& at, const SealedData& data) {
    return unseal_locally(at, parent.name(), data, pcrs);
  }
  Result<SecretBytes> open(const SealedData& data) { return open(tpm, data); }
  std::size_t slots_in_use() {
    return handles_in_use(tpm, kFirstTransient).value().size() +
           handles_in_use(tpm, kFirstLoadedSession).value().size();
  }
  static constexpr std::uint8_t kFill = 0x5c;
};

TEST_F(LocalSeal, OpensThroughAnyNumberOfRestarts) {
  for (int i = 0; i < 3; ++i) {
    const auto opened = open(sealed);
    ASSERT_THAT(opened, Succeeds());
    EXPECT_TRUE(opened->equals(Bytes(32, kFill)));
    EXPECT_EQ(slots_in_use(), 0U);
    ASSERT_THAT(swtpm.power_off(), Succeeds());
    ASSERT_THAT(swtpm.power_on(), Succeeds());
  }
}

TEST_F(LocalSeal, StaysShutInAnotherState) {
  const auto event = crypto::digest(HashAlgorithm::sha256, as_bytes("other firmware"));
  ASSERT_THAT(extend_pcr(tpm, 7, {{HashAlgorithm::sha256, event}}), Succeeds());
  EXPECT_THAT(open(sealed), FailsAt(ErrorCode::pcr_differs, "sha256:7"));
  EXPECT_EQ(slots_in_use(), 0U);
}

TEST_F(LocalSeal, StaysShutInAnotherTpmAndAfterAClear) {
  const auto other = SwtpmForTest::start().value();
  auto other_tpm = Tpm::open(other.tcti()).value();
  EXPECT_THAT(open(other_tpm, sealed), FailsAt(ErrorCode::not_found, "tpm"));
  auto session = Session::empty_auth();
  ASSERT_THAT(clear(tpm, Entity::permanent(TPM2_RH_PLATFORM), session), Succeeds());
  EXPECT_THAT(open(sealed), FailsAt(ErrorCode::not_found, "tpm"));
}

TEST_F(LocalSeal, StaysShutWhereAByteOfItIsAltered) {
  for (auto* const part : {&sealed.public_area, &sealed.duplicate, &sealed.seed}) {
    for (std::size_t i = 0; i < part->size(); i += 7) {
      (*part)[i] ^= 1;
      EXPECT_FALSE(open(sealed)) << i;
      (*part)[i] ^= 1;
    }
  }
  EXPECT_THAT(open(sealed), Succeeds());
  EXPECT_EQ(slots_in_use(), 0U);
}

TEST_F(LocalSeal, IsNotHeardOnTheBus) {
  Bytes heard;
  Tpm listened{std::make_unique<ListeningChannel>(open_channel(swtpm.tcti()).value(), heard)};
  ASSERT_THAT(open(listened, sealed), Succeeds());
  EXPECT_NE(std::ranges::search(heard, sealed.seed).begin(), heard.end());  // it does hear
  EXPECT_EQ(std::ranges::search(heard, Bytes(16, kFill)).begin(), heard.end());
}

}  // namespace
}  // namespace sealift::tpm
