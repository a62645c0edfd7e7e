// SPDX-License-Identifier: Apache-2.0
#include "guest/image/manifest.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::image {
namespace {

crypto::Digest digest_of(std::uint8_t byte) { return crypto::Digest{Bytes(64, byte)}; }

Manifest sample() {
  const std::array<std::uint8_t, 16> id{1, 2, 3};
  return {.image_id = esm::ImageId{id},
          .arch = "x86_64",
          .tee = "measured",
          .luks_uuid = "8a6413ed-ef38-4856-92c7-06a7de96448c",
          .memory_mib = 512,
          .kernel = {100, digest_of(1)},
          .initramfs = {5000, digest_of(2)},
          .initramfs_head_size = 512,
          .cmdline = {30, digest_of(3)},
          .root_disk = {1ULL << 40, digest_of(4)}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

Result<Manifest> parse(const std::string& text) { return parse_manifest(as_bytes(text)); }

TEST(ManifestTest, ComesOutAsItWentIn) {
  const auto text = format_manifest(sample());
  const auto manifest = parse(text);
  ASSERT_THAT(manifest, Succeeds());
  EXPECT_EQ(format_manifest(*manifest), text);
  EXPECT_EQ(manifest->root_disk.size, 1ULL << 40);
  EXPECT_EQ(manifest->initramfs.sha512, digest_of(2));
}

TEST(ManifestTest, KnowsTheTeesThatImagesAreFor) {
  for (const auto* tee : {"measured", "pef"}) {
    auto manifest = sample();
    manifest.tee = tee;
    EXPECT_THAT(parse(format_manifest(manifest)), Succeeds());
  }
}

TEST(ManifestTest, NamesTheMemberThatIsWrong) {
  const auto text = format_manifest(sample());
  const auto fails_at = [&](const std::string& from, const std::string& to, const std::string& member) {
    EXPECT_THAT(parse(replaced(text, from, to)), FailsAt(ErrorCode::malformed, member))
        << from << " -> " << to;
  };
  fails_at("sealift-image-v1", "sealift-image-v2", "format");
  fails_at("\"x86_64\"", "\"sparc\"", "arch");
  fails_at("\"measured\"", "\"none\"", "tee");
  fails_at("\"memory_mib\": 512", "\"memory_mib\": 0", "memory_mib");
  fails_at("\"memory_mib\": 512", "\"memory_mib\": -1", "memory_mib");
  fails_at("\"memory_mib\": 512", "\"memory_mib\": 1.5", "memory_mib");
  fails_at("\"memory_mib\": 512", "\"memory_mib\": \"512\"", "memory_mib");
  fails_at("8a6413ed", "8A6413ED", "luks_uuid");
  fails_at("01020300", "0102030", "image_id");
  fails_at("01010101", "0101010", "kernel.sha512");
  fails_at("\"size\": 100,", "\"size\": 0,", "kernel.size");
  fails_at("\"size\": 30,", "\"size\": 4096,", "cmdline.size");
  fails_at("\"head_size\": 512", "\"head_size\": 5001", "initramfs.head_size");
  fails_at("\"arch\"", "\"arc\"", "arc");
  fails_at("\"head_size\"", "\"head\"", "initramfs.head");
  fails_at("\"arch\": \"x86_64\",", "", "arch");
}

TEST(ManifestTest, OfAnImageForSevHasNoHead) {
  auto manifest = sample();
  manifest.tee = kSev;
  EXPECT_THAT(parse(format_manifest(manifest)), FailsAt(ErrorCode::malformed, "initramfs.head_size"));
  manifest.initramfs_head_size = 0;
  EXPECT_THAT(parse(format_manifest(manifest)), Succeeds());
  manifest.tee = kMeasured;
  EXPECT_THAT(parse(format_manifest(manifest)), FailsAt(ErrorCode::malformed, "initramfs.head_size"));
}

TEST(ManifestTest, RefusesAMemberThatComesTwice) {
  const auto text = replaced(format_manifest(sample()), "\"arch\": \"x86_64\",",
                             "\"arch\": \"x86_64\", \"arch\": \"x86_64\",");
  EXPECT_THAT(parse(text), FailsWith(ErrorCode::malformed));
}

TEST(ManifestTest, RefusesEveryTruncationAndWhatFollows) {
  const auto text = format_manifest(sample());
  for (std::size_t size = 0; size < text.size() - 1; ++size)
    EXPECT_FALSE(parse(text.substr(0, size))) << size;
  EXPECT_FALSE(parse(text + "x"));
  EXPECT_FALSE(parse(text + std::string(1, '\0')));
}

TEST(ManifestTest, NeverTakesAFlippedBitForTheSameManifest) {
  const auto text = format_manifest(sample());
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    auto flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto manifest = parse(flipped);
    if (!manifest || format_manifest(*manifest) != text) continue;
    // Only space between members, and the case of hexadecimal digits, may differ.
    EXPECT_TRUE(std::isspace(static_cast<unsigned char>(text[bit / 8])) ||
                std::isalpha(static_cast<unsigned char>(text[bit / 8])))
        << bit;
  }
}

TEST(ManifestTest, RefusesDeepAndLargeDocuments) {
  EXPECT_THAT(parse(std::string(100'000, ' ')), FailsWith(ErrorCode::too_large));
  EXPECT_THAT(parse(std::string(30'000, '[')), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse(std::string(30'000, '[') + std::string(30'000, ']')), FailsWith(ErrorCode::malformed));
  EXPECT_FALSE(parse("[]"));
  EXPECT_FALSE(parse("null"));
}

}  // namespace
}  // namespace sealift::image
