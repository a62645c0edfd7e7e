// SPDX-License-Identifier: Apache-2.0
#include "formats/ibm_esm/blob.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/matchers.h"
#include "formats/fdt/tree.h"
#include "formats/ibm_esm/names.h"
#include "formats/tool_for_test.h"

namespace sealift::ibm_esm {
namespace {

constexpr auto kCode = ErrorCode::operand_malformed;

Lockbox lockbox(const std::string& name, std::uint8_t fill) {
  Lockbox made{name, "comment of " + name, {}, Bytes(256, fill)};
  made.fingerprint.fill(fill);
  return made;
}

Blob sample() {
  Blob blob;
  blob.lockboxes = {lockbox("lockbox-2", 2), lockbox("lockbox-1", 1), lockbox("origin-lockbox", 0)};
  blob.digests = EncryptedFile{"digests-fdt", "", {1}, {2}, Bytes(400, 3)};
  blob.files = {{"one", "first", {4}, {5}, Bytes(10, 6)}, {"two", "", {7}, {8}, {}}};
  return blob;
}

Result<Blob> with(const std::function<void(fdt::Node&)>& change) {
  auto tree = fdt::parse(serialise(sample()).value()).value();
  change(tree);
  return parse(fdt::serialise(tree).value());
}

fdt::Node& lockboxes(fdt::Node& tree) { return tree.children.at(0); }
fdt::Node& digest(fdt::Node& tree) { return tree.children.at(1); }
fdt::Node& file(fdt::Node& tree) { return tree.children.at(2); }

TEST(IbmBlob, ReadsBackWhatItWrote) {
  const auto read = parse(serialise(sample()).value());
  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(*read, sample());
}

TEST(IbmBlob, MayHaveNeitherDigestsNorFiles) {
  Blob blob;
  blob.lockboxes = {lockbox("origin-lockbox", 0)};
  EXPECT_EQ(parse(serialise(blob).value()).value(), blob);
}

TEST(IbmBlob, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(with([](fdt::Node&) {}), Succeeds());
  EXPECT_THAT(with([](fdt::Node& tree) { tree.add("extra", {}); }), FailsAt(kCode, "/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { tree.add_child("extra"); }), FailsAt(kCode, "/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { lockboxes(tree).add("extra", {}); }),
              FailsAt(kCode, "/lockboxes/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { lockboxes(tree).add_child("extra"); }),
              FailsAt(kCode, "/lockboxes/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { lockboxes(tree).children[0].add("extra", {}); }),
              FailsAt(kCode, "/lockboxes/lockbox-2/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { lockboxes(tree).children[0].add_child("extra"); }),
              FailsAt(kCode, "/lockboxes/lockbox-2/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { digest(tree).add_child("extra"); }),
              FailsAt(kCode, "/digest/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { digest(tree).children[0].add("extra", {}); }),
              FailsAt(kCode, "/digest/digests-fdt/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { file(tree).add("extra", {}); }), FailsAt(kCode, "/file/extra"));
}

TEST(IbmBlob, RefusesWhatIsMissingOrMisSized) {
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(
        with([&](fdt::Node& tree) { tree.children.erase(tree.children.begin() + static_cast<long>(i)); }),
        FailsWith(kCode));
  }
  EXPECT_THAT(with([](fdt::Node& tree) { lockboxes(tree).children.pop_back(); }),
              FailsAt(kCode, "/lockboxes/origin-lockbox"));
  const auto property_of = [](fdt::Node& node, const char* name) -> Bytes& {
    for (auto& property : node.properties) {
      if (property.name == name) return property.value;
    }
    throw std::out_of_range{name};
  };
  for (const auto* name : {"untrusted-comment", "encrypted-symkey"}) {
    EXPECT_THAT(with([&](fdt::Node& tree) { property_of(lockboxes(tree).children[1], name).clear(); }),
                FailsAt(kCode, std::string{"/lockboxes/lockbox-1/"} + name));
  }
  for (const auto* name : {"algorithm", "hash"}) {
    EXPECT_THAT(
        with([&](fdt::Node& tree) { property_of(lockboxes(tree).children[1].children[0], name).pop_back(); }),
        FailsAt(kCode, std::string{"/lockboxes/lockbox-1/pubkey-fingerprint/"} + name));
  }
  for (const auto* name : {"algorithm", "untrusted-comment", "iv", "mac"}) {
    EXPECT_THAT(with([&](fdt::Node& tree) { property_of(digest(tree).children[0], name).pop_back(); }),
                FailsAt(kCode, std::string{"/digest/digests-fdt/"} + name));
  }
  EXPECT_THAT(with([&](fdt::Node& tree) { property_of(file(tree), "files-fdt").pop_back(); }),
              FailsAt(kCode, "/file/files-fdt"));
}

TEST(IbmBlob, RefusesCommentsThatWouldDriveATerminal) {
  EXPECT_THAT(with([](fdt::Node& tree) {
                lockboxes(tree).children[0].properties[0].value =
                    to_bytes(as_bytes(std::string_view{"\x1b[2J\0", 5}));
              }),
              FailsAt(kCode, "/lockboxes/lockbox-2/untrusted-comment"));
}

TEST(IbmBlob, KnowsTheNamesOfLockboxes) {
  EXPECT_EQ(lockbox_number("lockbox-1"), 1U);
  EXPECT_EQ(lockbox_number("lockbox-999999999"), 999999999U);
  for (const auto* name : {"lockbox-", "lockbox-0", "lockbox-01", "lockbox-1a", "lockbox--1",
                           "lockbox-9999999999", "origin-lockbox", "lockbox", ""}) {
    EXPECT_FALSE(lockbox_number(name).has_value()) << name;
  }
}

TEST(IbmBlob, RefusesEveryTruncation) {
  const auto blob = serialise(sample()).value();
  for (std::size_t size = 0; size < blob.size(); ++size) {
    EXPECT_THAT(parse(ByteView{blob}.first(size)), FailsWith(kCode)) << size;
  }
}

TEST(IbmBlob, SurvivesEveryBitFlip) {
  const auto blob = serialise(sample()).value();
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    auto flipped = blob;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto read = parse(flipped);
    if (!read) continue;
    EXPECT_EQ(parse(serialise(*read).value()).value(), *read) << bit;
  }
}

TEST(IbmBlob, IsShownByDtc) {
  const auto text = formats::tool({"dtc", "-I", "dtb", "-O", "dts", "-q", "-"}, serialise(sample()).value());
  SEALIFT_SKIP_WITHOUT_TOOL(text);
  ASSERT_THAT(text, Succeeds());
  EXPECT_LT(text->out.find("lockbox-1 {"), text->out.find("origin-lockbox {")) << text->out;
}

}  // namespace
}  // namespace sealift::ibm_esm
