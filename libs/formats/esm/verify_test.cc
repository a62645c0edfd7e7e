// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/verify.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "base/matchers.h"
#include "crypto/kdf.h"
#include "formats/esm/samples_for_test.h"
#include "formats/fdt/tree.h"

namespace sealift::esm {
namespace {

using namespace samples;

// Customer data are behind the checks by type: none of these exists.
static_assert(!std::is_constructible_v<ApprovedOperand, VerifiedOperand>);
static_assert(!std::is_default_constructible_v<VerifiedOperand>);
static_assert(!std::is_copy_constructible_v<VerifiedOperand>);
static_assert(!std::is_copy_constructible_v<ApprovedOperand>);

Result<VerifiedOperand> verify_blob(ByteView blob) {
  SEALIFT_TRY(const auto parsed, Operand::parse(blob));
  return VerifiedOperand::verify(parsed, seed());
}

fdt::Node tree_of(const Operand& source) { return fdt::parse(source.serialise()).value(); }

Bytes blob_of(const fdt::Node& tree) { return fdt::serialise(tree, 4096).value(); }

TEST(VerifiedOperand, OpensIntegrityInformationAndThenCustomerDataOnce) {
  auto verified = VerifiedOperand::verify(operand(), seed());
  ASSERT_THAT(verified, Succeeds());
  EXPECT_EQ(verified->image_id(), image_id());
  EXPECT_EQ(verified->integrity(), integrity());
  auto approved = std::move(*verified).approve(measured());
  ASSERT_THAT(approved, Succeeds());
  const auto data = std::move(*approved).take_customer_data();
  ASSERT_THAT(data, Succeeds());
  ASSERT_EQ(data->size(), 2U);
  EXPECT_EQ((*data)[0].name, "root-disk");
  EXPECT_TRUE((*data)[0].value.equals(as_bytes("correct horse battery")));
  EXPECT_EQ((*data)[1].name, "db-password");
  EXPECT_TRUE((*data)[1].value.equals(as_bytes("staple")));
}

TEST(VerifiedOperand, StaysValidWhenTargetsChange) {
  auto changed = operand();
  ASSERT_THAT(changed.put_target(target(1)), Succeeds());
  EXPECT_THAT(verify_blob(changed.serialise()), Succeeds());
  ASSERT_THAT(changed.remove_target(Bytes(34, 1)), Succeeds());
  EXPECT_THAT(verify_blob(changed.serialise()), Succeeds());
}

TEST(VerifiedOperand, RefusesAnotherSeed) {
  EXPECT_THAT(VerifiedOperand::verify(operand(), seed(0x43)), FailsAt(ErrorCode::hmac_differs, "hmac"));
}

TEST(VerifiedOperand, RefusesThePayloadOfAnotherImage) {
  const auto other = make(seed(), image_id(0x18), integrity(), customer_data(), 4096).value();
  auto tree = tree_of(operand());
  tree.children[1] = tree_of(other).children[1];
  EXPECT_THAT(verify_blob(blob_of(tree)), FailsWith(ErrorCode::hmac_differs));
  auto renamed = tree_of(operand());
  renamed.properties[1].value = Bytes(16, 0x18);
  EXPECT_THAT(verify_blob(blob_of(renamed)), FailsWith(ErrorCode::hmac_differs));
}

TEST(VerifiedOperand, RefusesSwappedEntriesAndSwappedNames) {
  auto swapped = tree_of(operand());
  auto& entries = swapped.children[1].children;
  std::swap(entries[1], entries[2]);
  std::swap(entries[1].name, entries[2].name);
  EXPECT_THAT(verify_blob(blob_of(swapped)), FailsWith(ErrorCode::hmac_differs));
  auto names = tree_of(operand());
  auto& named = names.children[1].children;
  std::swap(named[1].properties[0], named[2].properties[0]);
  EXPECT_THAT(verify_blob(blob_of(names)), FailsWith(ErrorCode::hmac_differs));
}

TEST(VerifiedOperand, RefusesAMissingLastEntry) {
  auto shorter = tree_of(operand());
  shorter.children[1].children.pop_back();
  EXPECT_THAT(verify_blob(blob_of(shorter)), FailsWith(ErrorCode::hmac_differs));
}

TEST(VerifiedOperand, RefusesEveryBitFlipInThePayloadsValues) {
  const auto original = tree_of(operand());
  for (std::size_t entry = 0; entry < original.children[1].children.size(); ++entry) {
    for (std::size_t property = 0; property < original.children[1].children[entry].properties.size();
         ++property) {
      const auto size = original.children[1].children[entry].properties[property].value.size();
      for (std::size_t bit = 0; bit < size * 8; ++bit) {
        auto tree = original;
        auto& value = tree.children[1].children[entry].properties[property].value;
        value[bit / 8] = static_cast<std::uint8_t>(value[bit / 8] ^ (1U << (bit % 8)));
        const auto result = verify_blob(blob_of(tree));
        ASSERT_FALSE(result.has_value());
        EXPECT_TRUE(result.error().code == ErrorCode::hmac_differs ||
                    result.error().code == ErrorCode::operand_malformed)
            << result.error().message;
      }
    }
  }
}

TEST(VerifiedOperand, IsNotChangedByAnyBitFlipOfTheFileThatItAccepts) {
  const auto original = operand(kMinReservedSize);
  const auto blob = original.serialise();
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    auto flipped = blob;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto parsed = Operand::parse(flipped);
    if (!parsed) continue;
    const auto verified = VerifiedOperand::verify(*parsed, seed());
    if (!verified) {
      EXPECT_EQ(verified.error().code, ErrorCode::hmac_differs);
    } else {
      EXPECT_EQ(parsed->hmac_input(), original.hmac_input()) << "bit " << bit;
    }
  }
}

TEST(ApprovedOperand, IsNotGivenForOtherComponents) {
  const auto approve = [](const Measured& what) {
    return VerifiedOperand::verify(operand(), seed()).value().approve(what);
  };
  auto other = measured();
  other.kernel = sha512("other");
  EXPECT_THAT(approve(other), FailsWith(ErrorCode::kernel_differs));
  other = measured();
  other.initramfs = sha512("other");
  EXPECT_THAT(approve(other), FailsWith(ErrorCode::initramfs_differs));
  other = measured();
  other.cmdline = sha512("other");
  EXPECT_THAT(approve(other), FailsWith(ErrorCode::cmdline_differs));
  EXPECT_THAT(approve(Measured{}), FailsWith(ErrorCode::kernel_differs));
}

TEST(Payload, IsEncryptedAndAuthenticatedByTheKeysOfTheDesign) {
  const auto made = operand();
  const auto secret = seed();
  const auto derive = [&](std::string_view info, std::size_t size) {
    return crypto::hkdf(crypto::HashAlgorithm::sha512, secret.expose(), made.image_id().view(),
                        as_bytes(info), size);
  };
  const auto hmac_key = derive("sealift esm v1 hmac", 64);
  const auto hmac = crypto::hmac(crypto::HashAlgorithm::sha512, hmac_key.expose(), {made.hmac_input()});
  EXPECT_TRUE(same_bytes(hmac.view(), made.hmac()));
  const auto key = derive("sealift esm v1 encryption", 32);
  const auto& entry = made.payload().at(1);
  const auto aad = ByteWriter{}.text("sealift,esm-v1").bytes(Bytes(16, 0x17)).text("root-disk").view();
  const auto opened = crypto::gcm_decrypt(key.expose(), entry.iv, aad, entry.ciphertext, entry.tag);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_TRUE(opened->equals(as_bytes("correct horse battery")));
}

}  // namespace
}  // namespace sealift::esm
