// SPDX-License-Identifier: Apache-2.0
// What somebody on the bus between us and the TPM can see, and what they can do about it.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/matchers.h"
#include "tpm/channels.h"
#include "tpm/commands.h"
#include "tpm/fault_channel_for_test.h"
#include "tpm/machine_for_test.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

constexpr std::size_t kHeaderSize = 10;

class Bus : public testing::Test {
 protected:
  void SetUp() override {
    auto started = MachineForTest::start(firmware_profile(), KeyKind::p256);
    ASSERT_THAT(started, Succeeds());
    machine_ = std::make_unique<MachineForTest>(std::move(*started));
    auto data = machine_->seal(kFill);
    ASSERT_THAT(data, Succeeds());
    data_ = std::move(*data);
  }

  Result<SecretBytes> unseal_through(FaultChannel::Fault fault) {
    auto channel = open_channel(machine_->swtpm->tcti());
    if (!channel) return tl::unexpected(channel.error());
    Tpm tpm{std::make_unique<FaultChannel>(std::move(*channel), std::move(fault))};
    return unseal(tpm, machine_->parent, machine_->boot_password, data_,
                  PcrObjectPolicy{machine_->expected.selection()});
  }

  /// The sizes of the responses that opening the seal brings, in order.
  std::vector<std::size_t> response_sizes() {
    std::vector<std::size_t> sizes;
    EXPECT_THAT(unseal_through([&](std::size_t, const Bytes& response) { sizes.push_back(response.size()); }),
                Succeeds());
    return sizes;
  }

  void flush_all() {
    for (const auto first : {kFirstTransient, kFirstLoadedSession}) {
      const auto handles = handles_in_use(*machine_->tpm, first);
      ASSERT_THAT(handles, Succeeds());
      for (const auto handle : *handles) ASSERT_THAT(flush_context(*machine_->tpm, handle), Succeeds());
    }
  }

  static constexpr std::uint8_t kFill = 0xa7;
  std::unique_ptr<MachineForTest> machine_;
  SealedData data_;
};

bool contains(ByteView all, ByteView part) { return std::ranges::search(all, part).begin() != all.end(); }

TEST_F(Bus, CarriesNeitherTheBootPasswordNorTheSecretWhenASealIsOpened) {
  Bytes heard;
  Tpm tpm{std::make_unique<ListeningChannel>(open_channel(machine_->swtpm->tcti()).value(), heard)};
  const auto secret = unseal(tpm, machine_->parent, machine_->boot_password, data_,
                             PcrObjectPolicy{machine_->expected.selection()});
  ASSERT_THAT(secret, Succeeds());
  ASSERT_GT(heard.size(), 1000U);
  EXPECT_TRUE(contains(heard, ByteView{data_.duplicate}));  // it does hear
  for (const auto part : {std::size_t{0}, std::size_t{16}}) {
    EXPECT_FALSE(contains(heard, secret->expose().subspan(part, 16)));
    EXPECT_FALSE(contains(heard, ByteView{machine_->boot_password.expose()}.subspan(part, 16)));
  }
}

TEST_F(Bus, CarriesNoNewBootPasswordInTheClear) {
  Bytes heard;
  Tpm tpm{std::make_unique<ListeningChannel>(open_channel(machine_->swtpm->tcti()).value(), heard)};
  const auto password = rotate_boot_password(tpm, firmware_profile(), {});
  ASSERT_THAT(password, Succeeds());
  EXPECT_FALSE(contains(heard, ByteView{password->expose()}.first(16)));
  EXPECT_FALSE(contains(heard, ByteView{password->expose()}.last(16)));
}

TEST_F(Bus, CannotAlterAnyByteOfAnyResponse) {
  const auto sizes = response_sizes();
  ASSERT_EQ(sizes.size(), kUnsealCommands);
  for (std::size_t command = 0; command + 1 < sizes.size();
       ++command) {  // not the flush: the seal is open then
    for (std::size_t byte = 0; byte < sizes[command]; ++byte) {
      SCOPED_TRACE(testing::Message{} << "command " << command << ", byte " << byte);
      const auto secret = unseal_through([&](std::size_t number, Bytes& response) {
        if (number == command) response[byte] ^= 0x10;
      });
      ASSERT_FALSE(secret.has_value());
      flush_all();
    }
  }
}

TEST_F(Bus, IsCaughtWhenItAltersWhatASessionProtects) {
  const auto sizes = response_sizes();
  constexpr std::size_t kUnsealNumber = 9;
  for (auto byte = kHeaderSize + 4; byte < sizes[kUnsealNumber]; ++byte) {
    SCOPED_TRACE(byte);
    EXPECT_THAT(unseal_through([&](std::size_t number, Bytes& response) {
                  if (number == kUnsealNumber) response[byte] ^= 0x01;
                }),
                testing::AnyOf(FailsWith(ErrorCode::authentication_failed), FailsWith(ErrorCode::malformed)));
  }
  EXPECT_EQ(machine_->slots_in_use().value(), 0U);
}

TEST_F(Bus, CannotReplayAnEarlierResponse) {
  Bytes first;
  EXPECT_THAT(unseal_through([&](std::size_t number, Bytes& response) {
                if (number == 2) first = response;
                if (number == 5) response = first;  // both PolicySecret
              }),
              FailsWith(ErrorCode::authentication_failed));
}

TEST_F(Bus, CannotPassATruncatedResponse) {
  const auto sizes = response_sizes();
  for (std::size_t command = 0; command + 1 < sizes.size(); ++command) {
    for (std::size_t size = 1; size < sizes[command]; size += 7) {
      SCOPED_TRACE(testing::Message{} << "command " << command << ", size " << size);
      EXPECT_THAT(unseal_through([&](std::size_t number, Bytes& response) {
                    if (number != command) return;
                    response.resize(size);
                    if (size >= 6) response[4] = 0, response[5] = static_cast<std::uint8_t>(size);
                  }),
                  testing::Not(Succeeds()));
      flush_all();
    }
  }
}

TEST_F(Bus, LeavesNothingBehindWhereverItBreaks) {
  for (std::size_t command = 0; command + 1 < kUnsealCommands; ++command) {
    SCOPED_TRACE(command);
    // Broken each time it is tried; the attempts end after a few.
    const auto secret = unseal_through([&](std::size_t number, Bytes& response) {
      if (number % (command + 1) == command) response.clear();
    });
    EXPECT_THAT(secret, FailsWith(ErrorCode::tpm_unavailable));
    flush_all();  // what a lost response said was loaded, nobody here can know
  }
}

TEST_F(Bus, IsPatientWithATpmWhoseSlotsAreTaken) {
  const auto secret = unseal_through([&](std::size_t number, Bytes& response) {
    if (number != 0) return;
    response = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x03};  // TPM_RC_SESSION_MEMORY
  });
  EXPECT_THAT(secret, Succeeds());
}

TEST_F(Bus, IsPatientWhenAPcrChangesInBetween) {
  bool changed = false;
  const auto secret = unseal_through([&](std::size_t number, Bytes& response) {
    if (number != 4 || std::exchange(changed, true)) return;
    response = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x28};  // TPM_RC_PCR_CHANGED
  });
  EXPECT_THAT(secret, Succeeds());
}

}  // namespace
}  // namespace sealift::tpm
