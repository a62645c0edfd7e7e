// SPDX-License-Identifier: Apache-2.0
#include "objects/s3_answers.h"

#include <fmt/core.h>

#include "base/matchers.h"

namespace sealift::objects {
namespace {

ByteView bytes(std::string_view text) { return as_bytes(text); }

std::string upload(std::string_view id) {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InitiateMultipartUploadResult "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>b</Bucket><Key>k</Key>"
      "<UploadId>{}</UploadId></InitiateMultipartUploadResult>",
      id);
}

std::string part(std::string_view number, std::string_view etag, std::string_view size) {
  return fmt::format(
      "<Part><PartNumber>{}</PartNumber><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>{}</ETag>"
      "<Size>{}</Size></Part>",
      number, etag, size);
}

std::string page(std::string_view parts, std::string_view more = "false") {
  return fmt::format(
      "<ListPartsResult><Bucket>b</Bucket><Initiator><ID>i</ID><DisplayName>n</DisplayName></Initiator>"
      "<PartNumberMarker>0</PartNumberMarker><IsTruncated>{}</IsTruncated>{}</ListPartsResult>",
      more, parts);
}

TEST(S3Answers, NameAnUpload) {
  EXPECT_EQ(parse_upload_id(bytes(upload("VXBs-b2Fk_~.=/+"))).value(), "VXBs-b2Fk_~.=/+");
  EXPECT_THAT(parse_upload_id(bytes(upload(""))), FailsAt(ErrorCode::malformed, "UploadId"));
  EXPECT_THAT(parse_upload_id(bytes(upload("a b"))), FailsAt(ErrorCode::malformed, "UploadId"));
  EXPECT_THAT(parse_upload_id(bytes(upload("a</UploadId><UploadId>b"))),
              FailsAt(ErrorCode::malformed, "UploadId"));
  EXPECT_THAT(parse_upload_id(bytes(upload(std::string(1025, 'a')))),
              FailsAt(ErrorCode::malformed, "UploadId"));
  EXPECT_THAT(parse_upload_id(bytes("<Error><UploadId>a</UploadId></Error>")),
              FailsAt(ErrorCode::malformed, "UploadId"));
}

TEST(S3Answers, ListParts) {
  const auto parts =
      parse_parts(bytes(page(part("1", "&quot;abc&quot;", "8388608") + part("3", "\"def-2\"", "5"), "true")));
  ASSERT_THAT(parts, Succeeds());
  EXPECT_TRUE(parts->more);
  ASSERT_EQ(parts->parts.size(), 2U);
  EXPECT_EQ(parts->parts[0].number, 1U);
  EXPECT_EQ(parts->parts[0].size, 8388608U);
  EXPECT_EQ(parts->parts[0].etag, "abc");
  EXPECT_EQ(parts->parts[1].number, 3U);
  EXPECT_EQ(parts->parts[1].etag, "def-2");
  EXPECT_TRUE(parse_parts(bytes(page("")))->parts.empty());
}

TEST(S3Answers, WithPartsThatAreNoneAreRefused) {
  const auto refused = [](const std::string& parts, std::string_view field) {
    EXPECT_THAT(parse_parts(bytes(page(parts))), FailsAt(ErrorCode::malformed, field)) << parts;
  };
  refused(part("0", "a", "1"), "PartNumber");
  refused(part("10001", "a", "1"), "PartNumber");
  refused(part("-1", "a", "1"), "PartNumber");
  refused(part("4294967297", "a", "1"), "PartNumber");
  refused(part("2", "a", "1") + part("1", "a", "1"), "PartNumber");
  refused(part("2", "a", "1") + part("2", "a", "1"), "PartNumber");
  refused(part("1", "a", "1x"), "Size");
  refused(part("1", "a", "99999999999999999999"), "Size");
  refused(part("1", "", "1"), "ETag");
  refused(part("1", "a&lt;b", "1"), "ETag");
  refused("<Part><PartNumber>1</PartNumber><Size>1</Size></Part>", "ETag");
  refused("<Part><PartNumber>1</PartNumber><PartNumber>1</PartNumber></Part>", "PartNumber");
  EXPECT_THAT(parse_parts(bytes(page("", "perhaps"))), FailsAt(ErrorCode::malformed, "IsTruncated"));
}

TEST(S3Answers, DoNotMixOnePartsValuesWithAnothers) {
  EXPECT_THAT(parse_parts(bytes(page("<Part><PartNumber>1</PartNumber></Part><Part><ETag>a</ETag>"
                                     "<Size>1</Size></Part>"))),
              FailsWith(ErrorCode::malformed));
}

TEST(S3Answers, SayWhetherAnUploadWasCompleted) {
  EXPECT_TRUE(
      is_completed(bytes("<CompleteMultipartUploadResult><ETag>a</ETag></CompleteMultipartUploadResult>")));
  EXPECT_FALSE(is_completed(bytes("<Error><Code>InternalError</Code></Error>")));
  EXPECT_FALSE(is_completed(bytes("   ")));
}

TEST(S3Answers, NameTheirError) {
  EXPECT_EQ(parse_error_code(bytes("<Error><Code>NoSuchKey</Code><Message>m</Message></Error>")),
            "NoSuchKey");
  EXPECT_EQ(parse_error_code(bytes("<Error><Code>No such\nkey</Code></Error>")), "");
  EXPECT_EQ(parse_error_code(bytes("<Error><Code>A</Code><Code>B</Code></Error>")), "");
  EXPECT_EQ(parse_error_code(bytes("<html>no</html>")), "");
  EXPECT_EQ(parse_error_code({}), "");
}

TEST(S3Answers, AreTakenWholeOrNotAtAll) {
  const auto whole = page(part("1", "&quot;abc&quot;", "8388608") + part("3", "\"def-2\"", "5"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(parse_parts(bytes(whole).first(size)), FailsWith(ErrorCode::malformed)) << size;
  }
}

TEST(S3Answers, SurviveEveryFlippedBit) {
  const auto whole = page(part("1", "&quot;abc&quot;", "8388608"));
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto flipped = to_bytes(bytes(whole));
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto answer = parse_parts(flipped);
    if (!answer) continue;
    // Some flips only change a value, or what nobody reads.
    for (const auto& listed : answer->parts) {
      EXPECT_THAT(listed.number, testing::AllOf(testing::Ge(1U), testing::Le(10'000U))) << bit;
      EXPECT_EQ(parse_etag(listed.etag).value(), listed.etag) << bit;
    }
  }
}

TEST(S3Answers, AreAskedForWithThePartsInOrder) {
  EXPECT_EQ(complete_request({{1, 5, "a"}, {2, 5, "b"}}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>\"b\"</ETag></Part></CompleteMultipartUpload>");
}

}  // namespace
}  // namespace sealift::objects
