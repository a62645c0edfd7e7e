// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/result.h"

namespace sealift {
namespace {

const std::set<std::string_view>& all_names() {
  static const std::set<std::string_view> names{
#define SEALIFT_ERROR_CODE(name, kind, remedy) #name,
#include "base/error_codes.def"
#undef SEALIFT_ERROR_CODE
  };
  return names;
}

TEST(ErrorCode, HasANameFromWhichItIsFoundAgain) {
  for (const auto text : all_names()) EXPECT_EQ(name(error_code_from_name(text)), text);
}

TEST(ErrorCode, HasARemedyThatIsASentence) {
  for (const auto text : all_names()) {
    const auto advice = remedy(error_code_from_name(text));
    EXPECT_TRUE(advice.ends_with('.')) << text;
    EXPECT_GT(advice.size(), 20U) << text;
  }
}

TEST(ErrorCode, IsInternalForANameThatIsNotOurs) {
  EXPECT_EQ(error_code_from_name("no_such_code"), ErrorCode::internal);
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::invalid_argument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  SEALIFT_TRY(const auto once, half(value));
  return half(once);
}

TEST(Result, HandsTheFirstErrorUp) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().code, ErrorCode::invalid_argument);
}

TEST(Result, ThrowsRatherThanReadAValueThatIsNotThere) { EXPECT_ANY_THROW((void)*half(1)); }

}  // namespace
}  // namespace sealift
