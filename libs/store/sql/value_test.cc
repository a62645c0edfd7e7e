// SPDX-License-Identifier: Apache-2.0
#include "store/sql/value.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "store/sql/dialect.h"
#include "store/sql/query.h"

namespace sealift::sql {
namespace {

using namespace std::string_literals;

TEST(Texts, OfEveryCharacterAreAccepted) {
  for (const auto& text : {""s, "a"s, "\x7F"s, "\xC2\x80"s, "\xDF\xBF"s, "\xE0\xA0\x80"s, "\xED\x9F\xBF"s,
                           "\xEE\x80\x80"s, "\xEF\xBF\xBF"s, "\xF0\x90\x80\x80"s, "\xF4\x8F\xBF\xBF"s})
    EXPECT_THAT(check_texts({std::int64_t{1}, text, Bytes{0, 255}}), Succeeds()) << to_hex(as_bytes(text));
}

TEST(Texts, ThatAreNotUtf8OrHoldNulAreRefused) {
  for (const auto& text :
       {"\0"s, "a\0b"s, "\x80"s, "\xBF"s, "\xC0\xAF"s, "\xC1\xBF"s, "\xC2"s, "\xC2\x7F"s, "\xE0\x9F\xBF"s,
        "\xE1\x80"s, "\xE1\x80\xC0"s, "\xED\xA0\x80"s, "\xED\xBF\xBF"s, "\xF0\x8F\xBF\xBF"s, "\xF1\x80\x80"s,
        "\xF1\x80\x80\x40"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s})
    EXPECT_THAT(check_texts({"good"s, text}), FailsWith(ErrorCode::invalid_argument))
        << to_hex(as_bytes(text));
}

Row row() { return Row{{std::int64_t{-7}, "text"s, Bytes{1, 2}}}; }

TEST(Rows, AreReadFromTheLeft) {
  auto one = row();
  EXPECT_EQ(one.integer(), -7);
  EXPECT_EQ(one.text(), "text");
  EXPECT_EQ(one.bytes(), (Bytes{1, 2}));
  EXPECT_THAT(one.finish(), Succeeds());
}

TEST(Rows, AreRefusedWhereAColumnHasAnotherTypeOrTheirNumberDiffers) {
  auto other_type = row();
  EXPECT_EQ(other_type.text(), "");
  static_cast<void>(other_type.text());
  static_cast<void>(other_type.bytes());
  EXPECT_THAT(other_type.finish(), FailsWith(ErrorCode::internal));

  auto too_many = row();
  static_cast<void>(too_many.integer());
  EXPECT_THAT(too_many.finish(), FailsWith(ErrorCode::internal));

  auto too_few = Row{{}};
  EXPECT_EQ(too_few.integer(), 0);
  EXPECT_THAT(too_few.finish(), FailsWith(ErrorCode::internal));
}

TEST(Dialects, ReplaceTheirWordsWhereverTheyStand) {
  constexpr std::string_view kText = "a @INT, b @BYTES, c @INT) @STRICT";
  EXPECT_EQ(in_dialect(kText, kSqlite), "a INTEGER, b BLOB, c INTEGER) STRICT");
  EXPECT_EQ(in_dialect(kText, kPostgres), "a BIGINT, b BYTEA, c BIGINT) ");
}

TEST(Pages, AreBetweenOneAndAThousandRows) {
  EXPECT_EQ(page(-1), 1);
  EXPECT_EQ(page(0), 1);
  EXPECT_EQ(page(7), 7);
  EXPECT_EQ(page(5000), 1000);
}

}  // namespace
}  // namespace sealift::sql
