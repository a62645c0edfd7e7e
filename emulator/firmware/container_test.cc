// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/container.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "emulator/firmware/tamper.h"
#include "emulator/firmware/vendor.h"

namespace sealift::emulator {
namespace {

/// A vendor and its OPAL, with a payload short enough to flip every bit of the container.
class ContainerTest : public testing::Test {
 protected:
  const Vendor vendor_ = Vendor::generate().value();
  const crypto::Digest keys_ = vendor_.hardware_key_hash().value();
  const Container opal_ = vendor_.sign(Component::opal, "1.0", as_bytes("code")).value();
};

TEST_F(ContainerTest, IsReadBackAsItWasWritten) {
  const auto bytes = opal_.serialize();
  const auto parsed = Container::parse(bytes);
  ASSERT_THAT(parsed, Succeeds());
  EXPECT_EQ(parsed->serialize(), bytes);
  EXPECT_EQ(parsed->component, "opal");
  EXPECT_EQ(parsed->version, "1.0");
  EXPECT_EQ(as_text(parsed->payload), "code");
}

TEST_F(ContainerTest, HasTheDocumentedLayout) {
  const auto bytes = opal_.serialize();
  ByteReader reader{bytes};
  EXPECT_EQ(as_text(reader.take(8).value()), "SEALIFTF");
  EXPECT_EQ(reader.be32().value(), 1U);
  EXPECT_EQ(reader.be32().value(), bytes.size());
  EXPECT_EQ(crypto::Digest{crypto::digest(crypto::HashAlgorithm::sha512, reader.take(3 * 64).value())},
            keys_);
  EXPECT_EQ(reader.be16().value(), 1U);
  ASSERT_THAT(reader.take(64), Succeeds());
  for (int i = 0; i < 3; ++i) ASSERT_THAT(reader.sized16(72), Succeeds());
  EXPECT_EQ(as_text(reader.sized16(32).value()), "opal");
  EXPECT_EQ(as_text(reader.sized16(32).value()), "1.0");
  EXPECT_EQ(reader.be32().value(), 4U);
  const auto digest = crypto::digest(crypto::HashAlgorithm::sha512, as_bytes("code"));
  EXPECT_TRUE(same_bytes(reader.take(64).value(), digest.view()));
  ASSERT_THAT(reader.sized16(72), Succeeds());
  EXPECT_EQ(as_text(reader.rest()), "code");
}

TEST_F(ContainerTest, MayRunWhereItIsSignedRightly) {
  EXPECT_THAT(verify_container(opal_, Component::opal, keys_), Succeeds());
}

TEST_F(ContainerTest, RefusesEveryTruncation) {
  const auto bytes = opal_.serialize();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    SCOPED_TRACE(size);
    EXPECT_THAT(Container::parse(ByteView{bytes}.first(size)), FailsWith(ErrorCode::truncated));
  }
}

TEST_F(ContainerTest, RefusesTrailingBytes) {
  auto bytes = opal_.serialize();
  bytes.push_back(0);
  EXPECT_THAT(Container::parse(bytes), FailsAt(ErrorCode::malformed, "size"));
}

TEST_F(ContainerTest, MayNotRunWithAnyBitFlipped) {
  const auto bytes = opal_.serialize();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto parsed = Container::parse(flipped);
    if (!parsed) continue;
    EXPECT_FALSE(verify_container(*parsed, Component::opal, keys_)) << "bit " << bit;
  }
}

TEST_F(ContainerTest, NamesTheComponentWhosePayloadWasAltered) {
  auto altered = opal_;
  altered.payload.front() ^= 1U;
  EXPECT_THAT(verify_container(altered, Component::opal, keys_),
              FailsAt(ErrorCode::firmware_signature_invalid, "opal"));
}

TEST_F(ContainerTest, NamesTheComponentOfOtherHardwareKeys) {
  const auto other = Vendor::generate().value().sign(Component::opal, "1.0", as_bytes("code")).value();
  EXPECT_THAT(verify_container(other, Component::opal, keys_),
              FailsAt(ErrorCode::firmware_keys_differ, "opal"));
}

TEST_F(ContainerTest, RefusesASignedComponentInAnothersPlace) {
  EXPECT_THAT(verify_container(opal_, Component::ext, keys_),
              FailsAt(ErrorCode::firmware_signature_invalid, "ext"));
}

TEST_F(ContainerTest, RefusesAFirmwareKeyThatTheHardwareKeysDidNotSign) {
  const auto other = Vendor::generate().value().sign(Component::opal, "1.0", as_bytes("code")).value();
  auto mixed = opal_;
  mixed.firmware_key = other.firmware_key;
  mixed.firmware_signature = other.firmware_signature;
  EXPECT_THAT(verify_container(mixed, Component::opal, keys_),
              FailsAt(ErrorCode::firmware_signature_invalid, "opal"));
}

TEST_F(ContainerTest, WantsAllThreeHardwareSignatures) {
  for (std::size_t i = 0; i < kHardwareKeys; ++i) {
    auto altered = opal_;
    altered.hardware_signatures.at(i) = altered.hardware_signatures.at((i + 1) % kHardwareKeys);
    EXPECT_THAT(verify_container(altered, Component::opal, keys_),
                FailsAt(ErrorCode::firmware_signature_invalid, "opal"));
  }
}

TEST_F(ContainerTest, RefusesAnotherFormatVersionAndAlgorithm) {
  auto bytes = opal_.serialize();
  bytes[11] = 2;
  EXPECT_THAT(Container::parse(bytes), FailsAt(ErrorCode::unsupported, "version"));
  bytes = opal_.serialize();
  bytes[16 + 3 * 64 + 1] = 2;
  EXPECT_THAT(Container::parse(bytes), FailsAt(ErrorCode::unsupported, "algorithm"));
}

TEST_F(ContainerTest, RefusesWhatIsLargerThanTheLimit) {
  EXPECT_THAT(Container::parse(Bytes(kContainerLimit + 1)), FailsWith(ErrorCode::too_large));
}

TEST(Tamper, ChangesWhatItSaysAndKeepsTheContainerWellFormed) {
  const auto vendor = Vendor::generate().value();
  const auto keys = vendor.hardware_key_hash().value();
  const auto good = vendor.sign(Component::init, "1.0", as_bytes("code")).value().serialize();
  for (const auto& [how, code] : {std::pair{Tampering::payload, ErrorCode::firmware_signature_invalid},
                                  std::pair{Tampering::signature, ErrorCode::firmware_signature_invalid},
                                  std::pair{Tampering::hardware_keys, ErrorCode::firmware_keys_differ}}) {
    const auto parsed = Container::parse(tamper(good, Component::init, how).value());
    ASSERT_THAT(parsed, Succeeds());
    EXPECT_THAT(verify_container(*parsed, Component::init, keys), FailsAt(code, "init"));
  }
}

}  // namespace
}  // namespace sealift::emulator
