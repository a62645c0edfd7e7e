// SPDX-License-Identifier: Apache-2.0
#include "formats/fdt/tree.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "formats/tool_for_test.h"

namespace sealift::fdt {
namespace {

/// Offsets of the header's fields (Devicetree Specification, table 5.2).
enum Field : std::size_t {
  kMagic = 0,
  kTotalSize = 4,
  kStructure = 8,
  kStrings = 12,
  kReservations = 16,
  kVersion = 20,
  kLastCompatible = 24,
  kStringsSize = 32,
  kStructureSize = 36,
};

std::uint32_t get(const Bytes& blob, std::size_t offset) {
  return ByteReader{ByteView{blob}.subspan(offset)}.be32().value();
}

void put(Bytes& blob, std::size_t offset, std::uint32_t value) {
  std::ranges::copy(ByteWriter{}.be32(value).view(), blob.begin() + static_cast<std::ptrdiff_t>(offset));
}

Node sample() {
  Node root;
  root.add_text("compatible", {"sealift,test", "second"}).add_be32("number", 0xdeadbeef);
  auto& child = root.add_child("child-1");
  child.add("bytes", Bytes{1, 2, 3, 4, 5}).add("empty", {});
  child.add_child("grandchild@0").add_text("#cells", {"x"});
  root.add_child("child-2");
  return root;
}

Bytes sample_blob(std::size_t total_size = 0) { return serialise(sample(), total_size).value(); }

/// The sample with the structure block replaced by these words.
Bytes with_structure(std::initializer_list<std::uint32_t> words) {
  ByteWriter structure;
  for (const auto word : words) structure.be32(word);
  ByteWriter blob;
  const auto structure_size = static_cast<std::uint32_t>(structure.view().size());
  const std::uint32_t strings = 56 + structure_size;
  blob.be32(0xd00dfeed).be32(strings + 4).be32(56).be32(strings).be32(40).be32(17).be32(16).be32(0).be32(4);
  blob.be32(structure_size).be64(0).be64(0).bytes(structure.view()).text("abc").u8(0);
  return std::move(blob).take();
}

constexpr std::uint32_t kBegin = 1;
constexpr std::uint32_t kEndNode = 2;
constexpr std::uint32_t kProp = 3;
constexpr std::uint32_t kNop = 4;
constexpr std::uint32_t kEnd = 9;
constexpr std::uint32_t kNameA = 0x61000000;

TEST(DeviceTree, ReadsBackWhatItWrote) {
  const auto blob = sample_blob();
  const auto tree = parse(blob);
  ASSERT_THAT(tree, Succeeds());
  EXPECT_EQ(*tree, sample());
  EXPECT_EQ(get(blob, kTotalSize), blob.size());
}

TEST(DeviceTree, FindsPropertiesAndChildrenByName) {
  const auto root = sample();
  EXPECT_EQ(*root.property("number"), (Bytes{0xde, 0xad, 0xbe, 0xef}));
  EXPECT_EQ(root.property("absent"), nullptr);
  EXPECT_EQ(root.child("child-2")->name, "child-2");
  EXPECT_EQ(root.child("child-3"), nullptr);
}

TEST(DeviceTree, IsPaddedToTheSizeAskedFor) {
  const auto blob = sample_blob(4096);
  EXPECT_EQ(blob.size(), 4096U);
  EXPECT_EQ(get(blob, kTotalSize), 4096U);
  EXPECT_EQ(parse(blob).value(), sample());
  EXPECT_THAT(serialise(sample(), sample_blob().size() - 1), FailsWith(ErrorCode::too_large));
  EXPECT_THAT(serialise(sample(), sample_blob().size()), Succeeds());
}

TEST(DeviceTree, RefusesEveryTruncation) {
  const auto blob = sample_blob(1024);
  for (std::size_t size = 0; size < blob.size(); ++size) {
    EXPECT_FALSE(parse(ByteView{blob}.first(size)).has_value()) << size;
  }
}

TEST(DeviceTree, SurvivesEveryBitFlipAndReadsWhatItAcceptsConsistently) {
  const auto blob = sample_blob();
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    auto flipped = blob;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto tree = parse(flipped);
    if (!tree) continue;
    EXPECT_EQ(parse(serialise(*tree).value()).value(), *tree) << bit;
  }
}

TEST(DeviceTree, RefusesBytesAfterIt) {
  auto blob = sample_blob();
  blob.push_back(0);
  EXPECT_THAT(parse(blob), FailsAt(ErrorCode::malformed, "totalsize"));
}

TEST(DeviceTree, RefusesGarbageInItsPadding) {
  auto blob = sample_blob(1024);
  blob.back() = 1;
  EXPECT_THAT(parse(blob), FailsAt(ErrorCode::malformed, "padding"));
}

TEST(DeviceTree, RefusesOneLargerThanAllowed) {
  const auto blob = sample_blob(1024);
  EXPECT_THAT(parse(blob, 1024), Succeeds());
  EXPECT_THAT(parse(blob, 1023), FailsWith(ErrorCode::too_large));
}

TEST(DeviceTree, RefusesAnotherMagicAndOtherVersions) {
  auto blob = sample_blob();
  put(blob, kMagic, 0xd00dfeee);
  EXPECT_THAT(parse(blob), FailsAt(ErrorCode::malformed, "magic"));
  blob = sample_blob();
  put(blob, kVersion, 16);
  EXPECT_THAT(parse(blob), FailsWith(ErrorCode::unsupported));
  blob = sample_blob();
  put(blob, kLastCompatible, 17);
  EXPECT_THAT(parse(blob), FailsWith(ErrorCode::unsupported));
}

TEST(DeviceTree, RefusesBlocksThatOverlapOrLieOutside) {
  for (const auto field : {kStructure, kStrings, kReservations}) {
    for (const std::uint32_t value : {0U, 36U, 48U, 60U, 0x7fffffffU, 0xfffffff8U}) {
      auto blob = sample_blob();
      if (get(blob, field) == value) continue;
      put(blob, field, value);
      EXPECT_THAT(parse(blob), FailsWith(ErrorCode::malformed)) << field << " " << value;
    }
  }
  for (const auto field : {kStringsSize, kStructureSize}) {
    for (const std::uint32_t value : {0x7fffffffU, 0xffffffffU, get(sample_blob(), field) + 4}) {
      auto blob = sample_blob();
      put(blob, field, value);
      EXPECT_THAT(parse(blob), FailsWith(ErrorCode::malformed)) << field << " " << value;
    }
  }
}

TEST(DeviceTree, RefusesMemoryReservations) {
  auto blob = sample_blob();
  blob[get(blob, kReservations)] = 1;
  EXPECT_THAT(parse(blob), FailsWith(ErrorCode::unsupported));
}

TEST(DeviceTree, ReadsItsStructureTokenByToken) {
  EXPECT_THAT(parse(with_structure({kBegin, 0, kEndNode, kEnd})), Succeeds());
  EXPECT_THAT(parse(with_structure({kBegin, 0, kProp, 0, 0, kBegin, kNameA, kEndNode, kEndNode, kEnd})),
              Succeeds());
}

TEST(DeviceTree, RefusesStructuresThatAreNotOneTree) {
  const auto refused = [](std::initializer_list<std::uint32_t> words) {
    return parse(with_structure(words));
  };
  EXPECT_THAT(refused({kEnd}), FailsWith(ErrorCode::malformed)) << "empty";
  EXPECT_THAT(refused({kBegin, 0, kEnd}), FailsWith(ErrorCode::malformed)) << "root not ended";
  EXPECT_THAT(refused({kBegin, 0, kEndNode}), FailsWith(ErrorCode::malformed)) << "no end";
  EXPECT_THAT(refused({kBegin, 0, kEndNode, kEndNode, kEnd}), FailsWith(ErrorCode::malformed))
      << "ended twice";
  EXPECT_THAT(refused({kBegin, 0, kEndNode, kBegin, 0, kEndNode, kEnd}), FailsWith(ErrorCode::malformed))
      << "two roots";
  EXPECT_THAT(refused({kBegin, 0, kEndNode, kProp, 0, 0, kEnd}), FailsWith(ErrorCode::malformed))
      << "property after the root";
  EXPECT_THAT(refused({kProp, 0, 0, kBegin, 0, kEndNode, kEnd}), FailsWith(ErrorCode::malformed))
      << "property before the root";
  EXPECT_THAT(refused({kBegin, kNameA, kEndNode, kEnd}), FailsWith(ErrorCode::malformed))
      << "root with a name";
  EXPECT_THAT(refused({kBegin, 0, kNop, kEndNode, kEnd}), FailsWith(ErrorCode::malformed)) << "NOP";
  EXPECT_THAT(refused({kBegin, 0, 5, kEndNode, kEnd}), FailsWith(ErrorCode::malformed)) << "unknown token";
  EXPECT_THAT(refused({kBegin, 0, kEndNode, kEnd, kEnd}), FailsWith(ErrorCode::malformed))
      << "more after the end";
  EXPECT_THAT(refused({kBegin, 0, kBegin, 0, kEndNode, kEndNode, kEnd}), FailsWith(ErrorCode::malformed))
      << "child without a name";
  EXPECT_THAT(refused({kBegin, 0, kBegin, 0x2f000000, kEndNode, kEndNode, kEnd}),
              FailsWith(ErrorCode::malformed))
      << "name with a slash";
}

TEST(DeviceTree, RefusesTheSameNameTwice) {
  EXPECT_THAT(parse(with_structure({kBegin, 0, kProp, 0, 0, kProp, 0, 0, kEndNode, kEnd})),
              FailsAt(ErrorCode::malformed, "abc"));
  EXPECT_THAT(
      parse(with_structure({kBegin, 0, kBegin, kNameA, kEndNode, kBegin, kNameA, kEndNode, kEndNode, kEnd})),
      FailsAt(ErrorCode::malformed, "a"));
}

TEST(DeviceTree, RefusesAPropertyAfterAChild) {
  EXPECT_THAT(parse(with_structure({kBegin, 0, kBegin, kNameA, kEndNode, kProp, 0, 0, kEndNode, kEnd})),
              FailsWith(ErrorCode::malformed));
}

TEST(DeviceTree, RefusesPropertiesThatReachOutside) {
  EXPECT_THAT(parse(with_structure({kBegin, 0, kProp, 4, 4, 0, kEndNode, kEnd})),
              FailsWith(ErrorCode::malformed))
      << "name offset";
  EXPECT_THAT(parse(with_structure({kBegin, 0, kProp, 100, 0, kEndNode, kEnd})),
              FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse(with_structure({kBegin, 0, kProp, 0x80000000, 0, kEndNode, kEnd})),
              FailsWith(ErrorCode::malformed));
}

Node nested(std::size_t depth) {
  Node node{"n", {}, {}};
  if (depth > 1) node.children.push_back(nested(depth - 1));
  return node;
}

TEST(DeviceTree, HasALimitedDepthInBothDirections) {
  auto deepest = nested(kMaxDepth);
  deepest.name.clear();
  const auto blob = serialise(deepest);
  ASSERT_THAT(blob, Succeeds());
  EXPECT_THAT(parse(*blob), Succeeds());
  auto deeper = nested(kMaxDepth + 1);
  deeper.name.clear();
  EXPECT_THAT(serialise(deeper), FailsWith(ErrorCode::too_large));

  ByteWriter structure;
  std::vector<std::uint32_t> words;
  for (std::size_t i = 0; i <= kMaxDepth; ++i) {
    words.push_back(kBegin);
    words.push_back(i == 0 ? 0 : kNameA);
  }
  words.insert(words.end(), kMaxDepth + 1, kEndNode);
  words.push_back(kEnd);
  for (const auto word : words) structure.be32(word);
  auto deep = with_structure({});
  const auto strings = to_bytes(ByteView{deep}.last(4));
  deep.resize(56);
  deep.insert(deep.end(), structure.view().begin(), structure.view().end());
  deep.insert(deep.end(), strings.begin(), strings.end());
  put(deep, kTotalSize, static_cast<std::uint32_t>(deep.size()));
  put(deep, kStrings, static_cast<std::uint32_t>(deep.size() - 4));
  put(deep, kStructureSize, static_cast<std::uint32_t>(structure.view().size()));
  EXPECT_THAT(parse(deep), FailsWith(ErrorCode::too_large));
}

TEST(DeviceTree, DoesNotWriteWhatItWouldNotRead) {
  Node root;
  root.add("twice", {}).add("twice", {});
  EXPECT_THAT(serialise(root), FailsWith(ErrorCode::malformed));
  Node slash;
  slash.add_child("a/b");
  EXPECT_THAT(serialise(slash), FailsWith(ErrorCode::malformed));
  Node named{"root", {}, {}};
  EXPECT_THAT(serialise(named), FailsWith(ErrorCode::malformed));
  Node long_name;
  long_name.add(std::string(kMaxNameSize + 1, 'a'), {});
  EXPECT_THAT(serialise(long_name), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(serialise(sample(), kMaxSize + 1), FailsWith(ErrorCode::too_large));
}

TEST(DeviceTree, IsReadByDtcAndReadsWhatDtcWrites) {
  const auto blob = sample_blob(1024);
  const auto text = formats::tool({"dtc", "-I", "dtb", "-O", "dts", "-q", "-"}, blob);
  SEALIFT_SKIP_WITHOUT_TOOL(text);
  ASSERT_THAT(text, Succeeds());
  EXPECT_NE(text->out.find("grandchild@0"), std::string::npos) << text->out;
  const auto again = formats::tool({"dtc", "-I", "dts", "-O", "dtb", "-q", "-"}, as_bytes(text->out));
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(parse(as_bytes(again->out)).value(), sample());
}

}  // namespace
}  // namespace sealift::fdt
