// SPDX-License-Identifier: Apache-2.0
#include "formats/fdt/fields.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::fdt {
namespace {

constexpr auto kCode = ErrorCode::operand_malformed;

Node sample() {
  Node node{"node", {}, {}};
  node.add("bytes", Bytes{1, 2, 3})
      .add_text("text", {"hello"})
      .add_text("texts", {"a", "b"})
      .add_be32("number", 7);
  node.add_child("child");
  return node;
}

TEST(Fields, TakesWhatTheSchemaNames) {
  const auto node = sample();
  Fields fields{node, "/node", kCode};
  EXPECT_EQ(to_bytes(fields.bytes("bytes", 3, 3).value()), (Bytes{1, 2, 3}));
  EXPECT_EQ(fields.text("text", 5).value(), "hello");
  EXPECT_THAT(fields.expect_text("texts", {"a", "b"}), Succeeds());
  EXPECT_EQ(fields.be32("number").value(), 7U);
  EXPECT_EQ((*fields.child("child"))->name, "child");
  EXPECT_TRUE(fields.has("bytes"));
  EXPECT_FALSE(fields.has("other"));
  EXPECT_THAT(fields.expect_no_more(), Succeeds());
}

TEST(Fields, NamesWhatIsMissingOrMisSized) {
  const auto node = sample();
  Fields fields{node, "/node", kCode};
  EXPECT_THAT(fields.bytes("absent", 0, 9), FailsAt(kCode, "/node/absent"));
  EXPECT_THAT(fields.bytes("bytes", 4, 9), FailsAt(kCode, "/node/bytes"));
  EXPECT_THAT(fields.bytes("bytes", 0, 2), FailsAt(kCode, "/node/bytes"));
  EXPECT_THAT(fields.be32("bytes"), FailsAt(kCode, "/node/bytes"));
  EXPECT_THAT(fields.child("absent"), FailsAt(kCode, "/node/absent"));
  EXPECT_THAT(fields.expect_text("text", {"hello!"}), FailsAt(kCode, "/node/text"));
  EXPECT_THAT(fields.expect_text("texts", {"a"}), FailsAt(kCode, "/node/texts"));
}

TEST(Fields, RefusesWhatWasNotAskedFor) {
  const auto node = sample();
  Fields fields{node, "/", kCode};
  EXPECT_THAT(fields.expect_no_more_properties(), FailsAt(kCode, "/bytes"));
  EXPECT_THAT(fields.bytes("bytes", 0, 9), Succeeds());
  EXPECT_THAT(fields.text("text", 9), Succeeds());
  EXPECT_THAT(fields.expect_text("texts", {"a", "b"}), Succeeds());
  EXPECT_THAT(fields.be32("number"), Succeeds());
  EXPECT_THAT(fields.expect_no_more_properties(), Succeeds());
  EXPECT_THAT(fields.expect_no_more(), FailsAt(kCode, "/child"));
}

TEST(Fields, ReadsOneStringThatEndsWithItsNul) {
  for (const std::string& bad :
       {std::string{}, std::string{"no nul"}, std::string{"a\0b\0", 4}, std::string{"\n\0", 2}}) {
    Node node{"node", {}, {}};
    node.add("text", as_bytes(bad));
    Fields fields{node, "/node", kCode};
    EXPECT_THAT(fields.text("text", 63), FailsAt(kCode, "/node/text"));
  }
}

TEST(PlainText, IsUtf8WithoutControlCharacters) {
  for (const auto* good : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x92"}) {
    EXPECT_TRUE(is_plain_text(good)) << good;
  }
  for (const auto* bad :
       {"\x1b[31m", "\t", "\x7f", "\xc2\x80", "\xc2\x9b", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xff", "\xc3", "\xe2\x82", "\x80", "\xf0\x80\x80\x80"}) {
    EXPECT_FALSE(is_plain_text(bad)) << to_hex(as_bytes(bad));
  }
}

}  // namespace
}  // namespace sealift::fdt
