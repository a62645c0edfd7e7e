// SPDX-License-Identifier: Apache-2.0
/// The opening of blobs in IBM's format by the wrapping key of a real TPM, and what must stop it.
#include "tee/lockbox_opening.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/matchers.h"
#include "formats/ibm_esm/opened.h"
#include "tee/tpm_lockbox_opener.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tee {
namespace {

crypto::Digest digest_of(std::string_view text) {
  return crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(text));
}

const esm::IntegrityInformation& integrity() {
  static const esm::IntegrityInformation kIntegrity{.kernel = digest_of("kernel"),
                                                    .initrd = digest_of("initramfs"),
                                                    .bootargs = digest_of("cmdline"),
                                                    .rtas = digest_of("rtas"),
                                                    .kernel_size = 6};
  return kIntegrity;
}

/// A machine whose firmware has just started it.
struct Machine {
  tpm::SwtpmForTest swtpm = tpm::SwtpmForTest::start().value();
  std::optional<tpm::WrappingKey> key;

  Machine() { boot(); }
  void boot() {
    auto tpm = tpm::Tpm::open(swtpm.tcti()).value();
    key.emplace(tpm::renew_wrapping_key(tpm, {}).value());
  }
  std::unique_ptr<TpmLockboxOpener> opener() const {
    std::array<std::uint8_t, tpm::kWrappingPasswordSize> copy{};
    std::ranges::copy(key->password.expose(), copy.begin());
    const std::span<std::uint8_t, tpm::kWrappingPasswordSize> password{copy};
    return TpmLockboxOpener::create(swtpm.tcti(), Secret<tpm::kWrappingPasswordSize>{password}).value();
  }
  ibm_esm::Blob blob() const {
    const auto pem = key->area.key()->pem();
    auto opened = ibm_esm::OpenedBlob::make(ibm_esm::Recipient::from_pem(as_bytes(pem)).value()).value();
    EXPECT_TRUE(opened.set_integrity(integrity()));
    EXPECT_TRUE(opened.attach("root-disk-passphrase", as_bytes("correct horse")));
    return opened.blob();
  }
};

class LockboxOpening : public testing::Test {
 protected:
  Result<std::vector<esm::CustomerData>> open(const ibm_esm::Blob& blob, LockboxOpener& opener) {
    steps_.clear();
    const Measure measure = [](const auto&) {
      return esm::Measured{digest_of("kernel"), digest_of("initramfs"), digest_of("cmdline"),
                           digest_of("rtas")};
    };
    return open_blob(blob, opener, measure, [this](OpeningStep step) { steps_.emplace_back(name(step)); });
  }

  std::vector<std::string> steps_;
  Machine machine_;
};

TEST_F(LockboxOpening, GivesTheAttachmentsToTheMachineThatTheBlobIsAddressedTo) {
  const auto opened = open(machine_.blob(), *machine_.opener());
  ASSERT_THAT(opened, Succeeds());
  ASSERT_EQ(opened->size(), 1U);
  EXPECT_EQ(opened->front().name, "root-disk-passphrase");
  EXPECT_EQ(as_text(opened->front().value.expose()), "correct horse");
  EXPECT_EQ(steps_, (std::vector<std::string>{"target_found", "seal_opened", "payload_verified",
                                              "components_verified"}));
}

TEST_F(LockboxOpening, IsRefusedOnAnotherMachine) {
  const Machine other;
  EXPECT_THAT(open(machine_.blob(), *other.opener()), FailsAt(ErrorCode::no_target_for_host, "lockboxes"));
  auto relabelled = machine_.blob();
  relabelled.lockboxes.front().fingerprint = other.blob().lockboxes.front().fingerprint;
  EXPECT_THAT(open(relabelled, *other.opener()), FailsAt(ErrorCode::sealed_data_refused, "lockbox"));
}

TEST_F(LockboxOpening, IsRefusedWherePefIsOff) {
  const auto opener = TpmLockboxOpener::create(machine_.swtpm.tcti(), std::nullopt).value();
  EXPECT_THAT(open(machine_.blob(), *opener), FailsAt(ErrorCode::pcr_differs, "pcr6.pef-enable"));
  EXPECT_EQ(steps_, (std::vector<std::string>{"target_found"}));
}

TEST_F(LockboxOpening, IsRefusedForThePasswordOfAnEarlierBoot) {
  const auto earlier = machine_.opener();
  machine_.boot();
  EXPECT_THAT(open(machine_.blob(), *earlier), FailsAt(ErrorCode::boot_password_refused, "wrapping_key"));
  EXPECT_THAT(open(machine_.blob(), *machine_.opener()), Succeeds());
}

}  // namespace
}  // namespace sealift::tee
