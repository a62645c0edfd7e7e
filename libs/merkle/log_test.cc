// SPDX-License-Identifier: Apache-2.0
#include "merkle/log.h"

#include <gtest/gtest.h>

#include <random>

#include "base/matchers.h"

namespace sealift::merkle {
namespace {

class MerkleLog : public testing::Test {
 protected:
  PrivateKeySigner signer{crypto::PrivateKey::generate_ec(crypto::Curve::p256).value()};
  crypto::PublicKey known = signer.public_key();
  std::mt19937_64 random{7};

  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>{0, bound - 1}(random);
  }

  /// Every third entry is somebody else's.
  Bundle bundle(std::uint64_t from, std::uint64_t to, char flavour = 'a') {
    Bundle made;
    Frontier tree;
    for (std::uint64_t i = 0; i < to; ++i) {
      if (i == from) made.before = tree;
      const std::string text = "entry " + std::string(1, flavour) + std::to_string(i);
      const auto leaf = leaf_hash(as_bytes(text));
      tree.append(leaf);
      if (i < from) continue;
      if (i % 3 == 0) {
        made.entries.emplace_back(leaf);
      } else {
        made.entries.emplace_back(to_bytes(as_bytes(text)));
      }
    }
    made.head = sign_head(signer, tree, 1000 + to).value();
    return made;
  }
};

TEST_F(MerkleLog, IsReadBackAsItWasWritten) {
  for (const auto& [from, to] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 1}, {0, 40}, {13, 40}, {32, 33}}) {
    const auto bytes = bundle(from, to).written();
    const auto read = Bundle::parse(bytes);
    ASSERT_THAT(read, Succeeds());
    EXPECT_EQ(read->written(), bytes);
    EXPECT_THAT(read->verify(known), Succeeds());
  }
}

TEST_F(MerkleLog, RefusesEveryTruncation) {
  const auto bytes = bundle(5, 20).written();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(Bundle::parse(ByteView{bytes}.first(size))) << size;
  const auto receipt = bundle(0, 20).receipt(7)->written();
  for (std::size_t size = 0; size < receipt.size(); ++size)
    EXPECT_FALSE(Receipt::parse(ByteView{receipt}.first(size))) << size;
}

TEST_F(MerkleLog, NoticesTenThousandRandomEdits) {
  const auto whole = bundle(9, 120);
  const auto bytes = whole.written();
  int unnoticed = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto edited = bytes;
    switch (i % 5) {
      case 0:  // a bit
        edited[below(edited.size())] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1: {  // a run of other bytes
        const auto at = below(edited.size());
        edited[at] = static_cast<std::uint8_t>(edited[at] + 1 + below(255));
        for (auto j = at + 1; j < edited.size() && j < at + 8; ++j)
          edited[j] = static_cast<std::uint8_t>(below(256));
        break;
      }
      case 2: {  // an entry left out
        auto one = whole;
        one.entries.erase(one.entries.begin() + static_cast<std::ptrdiff_t>(below(one.entries.size())));
        edited = one.written();
        break;
      }
      case 3: {  // two entries that changed places
        auto one = whole;
        const auto a = below(one.entries.size());
        const auto b = (a + 1 + below(one.entries.size() - 1)) % one.entries.size();
        std::swap(one.entries[a], one.entries[b]);
        edited = one.written();
        break;
      }
      default: {  // one put in, or twice
        auto one = whole;
        const auto at = one.entries.begin() + static_cast<std::ptrdiff_t>(below(one.entries.size()));
        one.entries.insert(at, BundleEntry{*at});
        edited = one.written();
      }
    }
    if (edited == bytes) continue;
    const auto read = Bundle::parse(edited);
    unnoticed += read && read->verify(known) ? 1 : 0;
  }
  EXPECT_EQ(unnoticed, 0);
}

TEST_F(MerkleLog, OfAnotherKeyIsNotBelieved) {
  const auto other = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
  EXPECT_THAT(bundle(0, 9).verify(other.public_key()), FailsAt(ErrorCode::signature_invalid, "head"));
  EXPECT_THAT(bundle(0, 9).receipt(2)->verify(other.public_key()),
              FailsAt(ErrorCode::signature_invalid, "head"));
}

TEST_F(MerkleLog, ShowsAForkToWhoeverSawAnEarlierHead) {
  const auto seen = bundle(0, 25).head;
  const auto later = bundle(0, 60);
  const auto verdict = later.verify(known, {seen, bundle(0, 60).head, bundle(0, 61).head});
  ASSERT_THAT(verdict, Succeeds());
  EXPECT_EQ(verdict->compared, 2U);
  EXPECT_EQ(verdict->out_of_range, 1U);
  EXPECT_THAT(bundle(0, 60, 'b').verify(known, {seen}), FailsAt(ErrorCode::authentication_failed, "head"));
  EXPECT_THAT(bundle(25, 60, 'b').verify(known, {seen}), FailsAt(ErrorCode::authentication_failed, "head"));
  EXPECT_THAT(bundle(0, 25, 'b').verify(known, {seen}), FailsAt(ErrorCode::authentication_failed, "head"));
}

TEST_F(MerkleLog, GivesAReceiptForEachOfItsEntries) {
  const auto whole = bundle(0, 50);
  for (std::uint64_t index = 0; index < 50; ++index) {
    const auto bytes = whole.receipt(index)->written();
    const auto receipt = Receipt::parse(bytes);
    ASSERT_THAT(receipt, Succeeds());
    EXPECT_EQ(receipt->written(), bytes);
    EXPECT_THAT(receipt->verify(known), Succeeds());
    for (std::size_t i = 0; i < bytes.size(); i += 5) {
      auto edited = bytes;
      edited[i] ^= 4;
      const auto altered = Receipt::parse(edited);
      EXPECT_FALSE(altered && altered->verify(known)) << i;
    }
  }
  EXPECT_THAT(whole.receipt(50), FailsAt(ErrorCode::invalid_argument, "index"));
  EXPECT_THAT(bundle(1, 50).receipt(1), FailsAt(ErrorCode::invalid_argument, "bundle"));
}

}  // namespace
}  // namespace sealift::merkle
