// SPDX-License-Identifier: Apache-2.0
#include "objects/xml.h"

#include "base/matchers.h"

namespace sealift::objects {
namespace {

Result<std::vector<XmlLeaf>> parse(std::string_view text) { return parse_xml(as_bytes(text)); }

std::string repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Xml, GivesTheElementsThatHoldText) {
  const auto leaves = parse(
      "<?xml version='1.0' encoding='UTF-8'?>\n<a xmlns='x'>\n <b>1</b> <c> "
      "<d>&quot;2&quot;</d><d/></c></a>");
  ASSERT_THAT(leaves, Succeeds());
  ASSERT_EQ(leaves->size(), 3U);
  EXPECT_EQ((*leaves)[0].path, "a/b");
  EXPECT_EQ((*leaves)[0].text, "1");
  EXPECT_EQ((*leaves)[1].path, "a/c/d");
  EXPECT_EQ((*leaves)[1].text, "\"2\"");
  EXPECT_EQ((*leaves)[2].text, "");
  EXPECT_EQ((*leaves)[1].parent, (*leaves)[2].parent);
  EXPECT_NE((*leaves)[0].parent, (*leaves)[1].parent);
}

TEST(Xml, KnowsNoDocumentTypes) {
  EXPECT_THAT(parse("<!DOCTYPE a><a>1</a>"), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse("<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>"),
              FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse("<a>&e;</a>"), FailsWith(ErrorCode::malformed));
}

TEST(Xml, HasBounds) {
  EXPECT_THAT(parse(repeated("<a>", 8) + repeated("</a>", 8)), Succeeds());
  EXPECT_THAT(parse(repeated("<a>", 9) + repeated("</a>", 9)), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse(repeated("<a>", 8) + "<a/>" + repeated("</a>", 8)), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse("<a>" + repeated("<b/>", 10'000) + "</a>"), Succeeds());
  EXPECT_THAT(parse("<a>" + repeated("<b/>", 10'001) + "</a>"), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse("<a>" + std::string(1U << 20U, 'x') + "</a>"), FailsWith(ErrorCode::too_large));
}

TEST(Xml, RefusesEveryTruncation) {
  const std::string_view whole = "<a><b>1</b><c><d>2</d></c></a>";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(parse(whole.substr(0, size)), FailsWith(ErrorCode::malformed)) << size;
  }
  EXPECT_THAT(parse(std::string{whole} + "<e/>"), FailsWith(ErrorCode::malformed));
}

}  // namespace
}  // namespace sealift::objects
