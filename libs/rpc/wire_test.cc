// SPDX-License-Identifier: Apache-2.0
// The small parsers: traces, envelopes, errors as JSON, queries.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "rpc/codes.h"
#include "rpc/envelope.h"
#include "rpc/error_json.h"
#include "rpc/query.h"
#include "rpc/trace.h"

namespace sealift::rpc {
namespace {

using ::testing::HasSubstr;

// The example of W3C Trace Context, 3.2.2.
const std::string kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Trace, ReadsTheStandardsExample) {
  const auto trace = parse_traceparent(kTraceparent);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->id_text(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(trace->traceparent(), kTraceparent);
  EXPECT_EQ(trace->child().id, trace->id);
  EXPECT_NE(trace->child().span, trace->span);
}

TEST(Trace, LeavesAsideWhatIsNotOne) {
  for (std::size_t size = 0; size < kTraceparent.size(); ++size) {
    EXPECT_FALSE(parse_traceparent(kTraceparent.substr(0, size)));
  }
  for (const auto* bad : {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-"}) {
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  }
}

TEST(Envelope, ComesBackFromEveryCutOfItsBytes) {
  const auto bytes = to_envelope("first") + to_envelope("") + to_envelope("last", true);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EnvelopeReader reader{16};
    std::vector<Envelope> all;
    for (const auto part : {std::string_view{bytes}.substr(0, cut), std::string_view{bytes}.substr(cut)}) {
      reader.add(part);
      while (auto next = reader.next().value()) all.push_back(*std::move(next));
    }
    ASSERT_EQ(all.size(), 3U) << cut;
    EXPECT_EQ(all[0].message, "first");
    EXPECT_EQ(all[1].message, "");
    EXPECT_FALSE(all[1].end_of_stream);
    EXPECT_TRUE(all[2].end_of_stream);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(Envelope, RefusesLargeCompressedAndUnknownOnesBeforeTheyAreThere) {
  const auto next = [](std::string_view bytes) {
    EnvelopeReader reader{16};
    reader.add(bytes);
    return reader.next();
  };
  EXPECT_THAT(next({"\0\0\0\0\x11", 5}), FailsWith(ErrorCode::too_large));
  EXPECT_THAT(next({"\0\xff\xff\xff\xff", 5}), FailsWith(ErrorCode::too_large));
  EXPECT_THAT(next({"\x01\0\0\0\x01", 5}), FailsWith(ErrorCode::unsupported));
  EXPECT_THAT(next({"\x04\0\0\0\x01", 5}), FailsWith(ErrorCode::malformed));
}

TEST(Codes, EveryErrorOfOursComesBackFromTheWire) {
#define SEALIFT_ERROR_CODE(name, kind, remedy) ErrorCode::name,
  for (const auto code : {
#include "base/error_codes.def"
       }) {
    const Error error{code, "what \"happened\"", "field[1]", "secret", "aa", "bb"};
    const auto json = to_json(error);
    const auto back = error_from_json(json, connect_code(code).http_status);
    EXPECT_EQ(back.code, code) << name(code);
    EXPECT_EQ(back.message, error.message);
    EXPECT_EQ(back.field, error.field);
    EXPECT_EQ(back.expected, "aa");
    EXPECT_EQ(back.found, "bb");
    EXPECT_EQ(json.find("secret"), std::string::npos);
    const auto status = end_of_stream_from_json(end_of_stream_json(tl::unexpected(error)));
    EXPECT_THAT(status, FailsAt(code, "field[1]"));
  }
#undef SEALIFT_ERROR_CODE
}

TEST(ErrorJson, ReadsWhatOthersSend) {
  const auto code_of = [](std::string_view body, unsigned status) {
    return error_from_json(body, status).code;
  };
  EXPECT_EQ(code_of(R"({"code":"not_found"})", 404), ErrorCode::not_found);
  EXPECT_EQ(code_of(R"({"code":"data_loss","message":"x"})", 500), ErrorCode::io_error);
  EXPECT_EQ(code_of(R"({"code":"of the future"})", 404), ErrorCode::internal);
  EXPECT_EQ(code_of("<html>Bad Gateway</html>", 502), ErrorCode::unavailable);
  EXPECT_EQ(code_of("", 401), ErrorCode::unauthenticated);
  EXPECT_EQ(code_of("{}", 403), ErrorCode::permission_denied);
  EXPECT_EQ(code_of(R"({"code":7,"message":[],"details":{}})", 404), ErrorCode::unimplemented);
  EXPECT_EQ(
      code_of(
          R"({"code":"aborted","details":[1,{"type":"x"},{"type":"sealift.v1.ErrorDetail","value":"!"}]})",
          409),
      ErrorCode::conflict);
  // A detail with a code that we do not know: what its Connect code says.
  EXPECT_EQ(
      code_of(R"({"code":"not_found","details":[{"type":"sealift.v1.ErrorDetail","value":"CgNuZXc"}]})", 404),
      ErrorCode::not_found);
  EXPECT_EQ(code_of(std::string(kErrorJsonLimit + 1, ' '), 503), ErrorCode::unavailable);
}

TEST(ErrorJson, RefusesAnEndThatIsNone) {
  EXPECT_THAT(end_of_stream_from_json("{}"), Succeeds());
  EXPECT_THAT(end_of_stream_from_json(R"({"metadata":{"a":["b"]}})"), Succeeds());
  for (const auto* bad : {"", "[]", "{", R"({"error":null})", R"({"error":"x"})"}) {
    EXPECT_THAT(end_of_stream_from_json(bad), FailsWith(ErrorCode::malformed)) << bad;
  }
}

TEST(ErrorJson, ShowsTextThatIsNotUtf8) {
  EXPECT_THAT(to_json({ErrorCode::internal, "a\xff", {}, {}}), HasSubstr("a\xef\xbf\xbd"));
}

TEST(Query, IsReadStrictly) {
  const auto fields = parse_query("a=1&b=%2B+x&c&d=").value();
  EXPECT_EQ(fields.at("a"), "1");
  EXPECT_EQ(fields.at("b"), "+ x");
  EXPECT_EQ(fields.at("c"), "");
  EXPECT_EQ(fields.at("d"), "");
  for (const auto* bad : {"a=%", "a=%1", "a=%1g", "a&a", "a=1&%61=2", "a=%+1"}) {
    EXPECT_THAT(parse_query(bad), FailsAt(ErrorCode::malformed, "query")) << bad;
  }
  EXPECT_EQ(from_base64url("_-8").value(), "\xff\xef");
  EXPECT_EQ(from_base64url("_-8=").value(), "\xff\xef");
  EXPECT_FALSE(from_base64url("_"));
}

}  // namespace
}  // namespace sealift::rpc
