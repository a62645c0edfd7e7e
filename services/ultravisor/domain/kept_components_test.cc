// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/kept_components.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/matchers.h"

namespace sealift::ultravisor {
namespace {

constexpr std::size_t kHead = 512;
constexpr std::size_t kBody = 700'000;  // three pieces are compared, the last is not whole
constexpr std::uint64_t kLimit = 1U << 20U;

crypto::Digest sha512(ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); }

class KeptComponentsTest : public ::testing::Test {
 protected:
  UniqueFd file(const Bytes& content) {
    const auto path = directory_.path() / std::to_string(++files_);
    EXPECT_THAT(write_file(path, content), Succeeds());
    return open_file(path, O_RDWR).value();
  }
  Result<PinnedFile> pin(KeptComponents& kept, const Bytes& head, const Bytes& body) {
    const auto first = file(head);
    const auto second = file(body);
    return kept.pin(std::array{first.get(), second.get()}, kLimit, "initramfs");
  }
  /// Pins, measures and keeps, as an approved launch does.
  PinnedFile approve(KeptComponents& kept, const Bytes& head, const Bytes& body) {
    auto pinned = pin(kept, head, body).value();
    kept.keep(pinned, head.size(), kept.sha512(pinned, head.size()));
    return pinned;
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  int files_ = 0;
  Bytes head_ = Bytes(kHead, 1);
  Bytes body_ = Bytes(kBody, 2);
  KeptComponents kept_{4U << 20U};
};

TEST_F(KeptComponentsTest, AreUsedAgainForTheSameBytes) {
  const auto first = approve(kept_, head_, body_);
  const auto second = pin(kept_, head_, body_).value();
  EXPECT_TRUE(second == first);
  EXPECT_EQ(kept_.sha512(second, kHead), sha512(body_));
}

TEST_F(KeptComponentsTest, AreNeverTakenForAnAlteredFile) {
  const auto first = approve(kept_, head_, body_);
  for (const std::size_t at : {std::size_t{0}, std::size_t{1000}, kBody / 2, kBody - 1}) {
    auto altered = body_;
    altered.at(at) ^= 1;
    const auto second = pin(kept_, head_, altered).value();
    EXPECT_FALSE(second == first);
    EXPECT_EQ(kept_.sha512(second, kHead), sha512(altered)) << at;
  }
  for (const auto& other : {Bytes(kBody - 1, 2), Bytes(kBody + 1, 2), Bytes{}}) {
    const auto second = pin(kept_, head_, other).value();
    EXPECT_FALSE(second == first);
    EXPECT_EQ(kept_.sha512(second, kHead), sha512(other)) << other.size();
  }
}

TEST_F(KeptComponentsTest, GiveTheDigestOfWhatComesBehindAnotherHead) {
  const auto first = approve(kept_, head_, body_);
  const Bytes other_head(kHead, 3);
  const auto second = pin(kept_, other_head, body_).value();
  EXPECT_FALSE(second == first) << "the head is what the seal is in";
  EXPECT_EQ(second.prefix(kHead), other_head);
  EXPECT_EQ(kept_.sha512(second, kHead), sha512(body_));
}

TEST_F(KeptComponentsTest, TellAKeptDigestFromOneOfAnotherPart) {
  const auto first = approve(kept_, head_, body_);
  Bytes whole = head_;
  whole.insert(whole.end(), body_.begin(), body_.end());
  EXPECT_EQ(kept_.sha512(first, 0), sha512(whole));
  EXPECT_EQ(kept_.sha512(first, kHead + 1), sha512(ByteView{body_}.subspan(1)));
}

TEST_F(KeptComponentsTest, StayWhatTheyWereWhenTheSourceIsWrittenTo) {
  const auto source = file(body_);
  const auto pinned = kept_.pin(std::array{source.get()}, kLimit, "kernel").value();
  kept_.keep(pinned, 0, kept_.sha512(pinned, 0));
  const Bytes other(kBody, 9);
  ASSERT_EQ(::pwrite(source.get(), other.data(), other.size(), 0), static_cast<ssize_t>(other.size()));
  const auto altered = kept_.pin(std::array{source.get()}, kLimit, "kernel").value();
  EXPECT_EQ(kept_.sha512(altered, 0), sha512(other));
  EXPECT_EQ(kept_.sha512(pinned, 0), sha512(body_));
}

TEST_F(KeptComponentsTest, HoldAsManyBytesAsTheyMayOfThoseUsedLast) {
  KeptComponents few{2 * (kHead + kBody)};
  const Bytes second_body(kBody, 3);
  const auto first = approve(few, head_, body_);
  const auto second = approve(few, head_, second_body);
  const auto again = approve(few, head_, body_);
  EXPECT_TRUE(again == first);
  approve(few, head_, Bytes(kBody, 4));
  EXPECT_TRUE(pin(few, head_, body_).value() == first);
  EXPECT_FALSE(pin(few, head_, second_body).value() == second) << "its turn was longest ago";
}

TEST_F(KeptComponentsTest, AreNoneWhereNoneMayBe) {
  KeptComponents none{0};
  const auto first = approve(none, head_, body_);
  EXPECT_FALSE(pin(none, head_, body_).value() == first);
}

TEST_F(KeptComponentsTest, DoNotLiftALimit) {
  approve(kept_, head_, body_);
  const auto first = file(head_);
  const auto second = file(body_);
  const std::array sources{first.get(), second.get()};
  EXPECT_THAT(kept_.pin(sources, kHead + kBody - 1, "initramfs"), FailsAt(ErrorCode::too_large, "initramfs"));
}

TEST_F(KeptComponentsTest, DoNotHideASourceWithoutAnEnd) {
  approve(kept_, {}, body_);
  const auto zeros = open_file("/dev/zero", O_RDONLY).value();
  EXPECT_THAT(kept_.pin(std::array{zeros.get()}, kLimit, "kernel"),
              FailsAt(ErrorCode::invalid_argument, "kernel"));
}

}  // namespace
}  // namespace sealift::ultravisor
