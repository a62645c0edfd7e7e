// SPDX-License-Identifier: Apache-2.0
#include "store/columns.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::store {
namespace {

using namespace std::string_literals;

TEST(Columns, HoldListsOfAnyTexts) {
  for (const auto& texts : std::vector<std::vector<std::string>>{{}, {""}, {"a", "", "b"}, {"\0"s, "\xFF"}})
    EXPECT_EQ(*decode_texts(encode_texts(texts)), texts);
}

TEST(Columns, HoldLabels) {
  for (const auto& labels : std::vector<Labels>{{}, {{"", ""}}, {{"a", "1"}, {"b", ""}}})
    EXPECT_EQ(*decode_labels(encode_labels(labels)), labels);
}

TEST(Columns, AreRefusedAtEveryTruncation) {
  const auto whole = encode_labels({{"disk", "nvme"}, {"gpu", ""}});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto labels = decode_labels(ByteView{whole}.first(size));
    // Between two pairs a shorter list of labels ends as well.
    const bool whole_pair = size == 16;
    EXPECT_EQ(labels.has_value(), whole_pair) << size;
  }
}

TEST(Columns, AreRefusedWhereALabelComesTwiceOrHasNoValue) {
  EXPECT_THAT(decode_labels(encode_texts({"a", "1", "a", "2"})), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(decode_labels(encode_texts({"a"})), FailsWith(ErrorCode::malformed));
}

}  // namespace
}  // namespace sealift::store
