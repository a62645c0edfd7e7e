// SPDX-License-Identifier: Apache-2.0
#include "json/object.h"

#include <gmock/gmock.h>

#include "base/matchers.h"

namespace sealift::json {
namespace {

constexpr Limits kLimits{.size = 1024, .depth = 2};

Result<Object> parse(std::string_view text, const Limits& limits = kLimits) {
  return Object::parse(as_bytes(text), "the thing", limits);
}

/// The document's own object.
Object object(std::string_view text) { return parse(text).value(); }

TEST(JsonObject, GivesEachMemberOnce) {
  auto json = object(R"({"format": "f1", "name": "ä", "count": 7, "on": true, "at": 1, "hex": "00fF",
                         "data": "AAE=", "list": ["a", "b"], "inner": {"size": 3}})");
  EXPECT_THAT(json.take_format("f1"), Succeeds());
  EXPECT_EQ(json.take_text("name").value(), "ä");
  EXPECT_EQ(json.take_number("count", 7, 7).value(), 7U);
  EXPECT_EQ(json.take_boolean("on").value(), true);
  EXPECT_EQ(json.take_seconds("at").value(), 1);
  EXPECT_EQ(json.take_hex("hex", 2).value(), (Bytes{0x00, 0xff}));
  EXPECT_EQ(json.take_base64("data").value(), (Bytes{0, 1}));
  EXPECT_THAT(json.take_texts("list", 1, 2).value(), testing::ElementsAre("a", "b"));
  EXPECT_TRUE(json.has("inner"));
  auto inner = json.take_object("inner").value();
  EXPECT_EQ(inner.take_number("size", 0, 9).value(), 3U);
  EXPECT_THAT(inner.expect_end(), Succeeds());
  EXPECT_THAT(json.expect_end(), Succeeds());
  EXPECT_FALSE(json.has("name"));
  EXPECT_THAT(json.take_text("name"), FailsAt(ErrorCode::malformed, "name"));
}

TEST(JsonObject, RefusesWhatIsNotExactlyOneObject) {
  for (const std::string text : {"",
                                 " ",
                                 "[]",
                                 "null",
                                 "true",
                                 "7",
                                 "\"text\"",
                                 "{",
                                 "}",
                                 "{}{}",
                                 "{},",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{a: 1}",
                                 "{'a': 1}",
                                 "{\"a\": 1,}",
                                 "{\"a\": 01}",
                                 "{\"a\": +1}",
                                 "{\"a\": NaN}",
                                 "{\"a\": 1e999}",
                                 "// {}",
                                 "{} // end",
                                 "{\"a\": \"\x80\"}",
                                 "{\"a\": \"\n\"}",
                                 "{\"a\": \"\\ud800\"}"}) {
    EXPECT_THAT(parse(text), FailsAt(ErrorCode::malformed, "")) << text;
  }
  EXPECT_THAT(parse(std::string{"{}\0", 3}), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse(std::string{"{}\0{}", 5}), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse(" {} \n"), Succeeds());
}

TEST(JsonObject, RefusesAMemberThatComesTwiceAnywhere) {
  for (const auto* text : {R"({"a": 1, "a": 1})", R"({"a": 1, "b": 2, "\u0061": 1})",
                           R"({"x": {"a": 1, "a": 2}})", R"({"x": {"a": 1}, "x": {"a": 1}})"}) {
    EXPECT_THAT(parse(text), FailsAt(ErrorCode::malformed, "")) << text;
  }
  EXPECT_THAT(parse(R"({"a": {"a": 1}, "b": {"a": 1}})"), Succeeds());
}

TEST(JsonObject, RefusesWhatIsTooLargeOrTooDeep) {
  EXPECT_THAT(parse("{}" + std::string(1022, ' ')), Succeeds());
  EXPECT_THAT(parse("{}" + std::string(1023, ' ')), FailsWith(ErrorCode::too_large));
  for (const auto* inner : {"{}", "[]", "[1]", "{\"b\": 1}"}) {
    EXPECT_THAT(parse(std::string{"{\"a\": "} + inner + "}"), Succeeds()) << inner;
    EXPECT_THAT(parse(std::string{"{\"a\": "} + inner + "}", {.size = 100}), FailsWith(ErrorCode::malformed));
    EXPECT_THAT(parse(std::string{"{\"a\": ["} + inner + "]}"), FailsWith(ErrorCode::malformed)) << inner;
  }
  for (const auto* opening : {"[", "{\"a\":", "{\"a\":["}) {
    std::string deep;
    while (deep.size() < 1'000'000) deep += opening;
    EXPECT_THAT(parse(deep, {.size = 2'000'000}), FailsWith(ErrorCode::malformed)) << opening;
  }
}

TEST(JsonObject, NamesTheMemberThatIsMissingOrOfAnotherType) {
  const auto refused = [](auto take) {
    for (const auto* value : {"null", "1.5", "-1", "-0", "1e1", "{}", "[1]", "18446744073709551616"}) {
      auto json = object(std::string{"{\"m\": "} + value + "}");
      EXPECT_THAT(take(json), FailsAt(ErrorCode::malformed, "m")) << value;
    }
    auto empty = object("{}");
    EXPECT_THAT(take(empty), FailsAt(ErrorCode::malformed, "m"));
  };
  refused([](Object& json) { return json.take_text("m"); });
  refused([](Object& json) { return json.take_number("m", 0, UINT64_MAX); });
  refused([](Object& json) { return json.take_boolean("m"); });
  refused([](Object& json) { return json.take_texts("m", 0, 9); });
  refused([](Object& json) { return json.take_seconds("m"); });
  refused([](Object& json) { return json.take_hex("m", 1); });
  refused([](Object& json) { return json.take_base64("m"); });
  auto text = object(R"({"m": "text"})");
  EXPECT_THAT(text.take_object("m"), FailsAt(ErrorCode::malformed, "m"));
}

TEST(JsonObject, RefusesValuesOutOfTheirRange) {
  const auto json = [] { return object(R"({"n": 5, "s": 253402300800, "h": "0g", "b": "AA", "l": ["a"]})"); };
  EXPECT_THAT(json().take_number("n", 6, 9), FailsAt(ErrorCode::malformed, "n"));
  EXPECT_THAT(json().take_number("n", 0, 4), FailsAt(ErrorCode::malformed, "n"));
  EXPECT_THAT(json().take_seconds("s"), FailsAt(ErrorCode::malformed, "s"));
  EXPECT_THAT(json().take_hex("h", 1), FailsAt(ErrorCode::malformed, "h"));
  EXPECT_THAT(json().take_base64("b"), FailsAt(ErrorCode::malformed, "b"));
  EXPECT_THAT(json().take_texts("l", 2, 9), FailsAt(ErrorCode::malformed, "l"));
  EXPECT_THAT(json().take_texts("l", 0, 0), FailsAt(ErrorCode::malformed, "l"));
  auto sized = object(R"({"h": "0011", "e": ""})");
  EXPECT_THAT(sized.take_hex("h", 1), FailsAt(ErrorCode::malformed, "h"));
  EXPECT_THAT(sized.take_base64("e"), FailsAt(ErrorCode::malformed, "e"));
}

TEST(JsonObject, NamesTheWayToAMember) {
  auto json = object(R"({"kernel": {"size": "x"}, "launch": {"id": 7}})");
  auto kernel = json.take_object("kernel").value();
  const auto wrong = kernel.take_number("size", 0, 9);
  ASSERT_THAT(wrong, FailsAt(ErrorCode::malformed, "kernel.size"));
  EXPECT_EQ(wrong.error().message,
            "the member \"kernel.size\" of the thing is not a whole number from 0 to 9");
  auto launch = json.take_object("launch", "the launch").value();
  const auto id = launch.take_text("id");
  ASSERT_THAT(id, FailsAt(ErrorCode::malformed, "id"));
  EXPECT_EQ(id.error().message, "the member \"id\" of the launch is not a string");
}

TEST(JsonObject, RefusesWhatNobodyKnows) {
  auto json = object(R"({"a": 1, "b": 2})");
  EXPECT_THAT(json.expect_only({"a", "b", "c"}), Succeeds());
  EXPECT_THAT(json.expect_only({"a"}), FailsAt(ErrorCode::malformed, "b"));
  EXPECT_THAT(json.take_number("b", 0, 9), Succeeds());
  EXPECT_THAT(json.expect_end(), FailsAt(ErrorCode::malformed, "a"));
  EXPECT_THAT(json.take_format("f"), FailsAt(ErrorCode::malformed, "format"));
}

TEST(JsonObject, CutShortAnywhereIsRefused) {
  const std::string whole = R"({"a": "x", "b": {"c": [1, 2.5e3, true, null]}})";
  ASSERT_THAT(parse(whole, {.size = 99, .depth = 3}), Succeeds());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(parse(whole.substr(0, size), {.size = 99, .depth = 3}), FailsWith(ErrorCode::malformed))
        << size;
  }
}

}  // namespace
}  // namespace sealift::json
