// SPDX-License-Identifier: Apache-2.0
// The Connect protocol as typed by hand: facts of connectrpc.com/docs/protocol, each with its wrong
// neighbours.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "crypto/base64.h"
#include "rpc/envelope.h"
#include "rpc/error_json.h"
#include "rpc/testing/raw.h"
#include "testing/echo.pb.h"

namespace sealift::rpc {
namespace {

using ::testing::AllOf;
using testing::EchoRequest;
using testing::EchoResponse;
using ::testing::HasSubstr;
using testing::post;
using testing::post_json;
using testing::Raw;
using testing::RawAnswer;

class ProtocolTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new testing::World;
    state_ = std::make_shared<testing::EchoState>();
    server_ = world_->serve({}, testing::echo_router(state_));
  }
  static void TearDownTestSuite() {
    server_.reset();
    delete world_;
  }
  static Raw connect() { return Raw::connect(*server_, world_->credentials(Role::tenant, "acme")); }
  static RawAnswer ask(const std::string& request) { return connect().exchange(request); }
  static Error error_in(const RawAnswer& answer) { return error_from_json(answer.body, answer.status); }

  static inline testing::World* world_;
  static inline std::shared_ptr<testing::EchoState> state_;
  static inline std::unique_ptr<Server> server_;
};

TEST_F(ProtocolTest, AnswersJsonWithJson) {
  const auto answer = ask(post_json("Echo", R"({"text":"hi"})"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  EXPECT_THAT(answer.body,
              AllOf(HasSubstr(R"("text":"hi")"), HasSubstr("spiffe://example.test/tenant/acme")));
}

TEST_F(ProtocolTest, AnswersProtobufWithProtobuf) {
  EchoRequest request;
  request.set_text("hi");
  const auto answer = ask(post("Echo", "application/proto", request.SerializeAsString()));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.headers.at("content-type"), "application/proto");
  EchoResponse response;
  ASSERT_TRUE(response.ParseFromString(answer.body));
  EXPECT_EQ(response.text(), "hi");
}

TEST_F(ProtocolTest, TakesAnEmptyProtobufMessage) {
  EXPECT_EQ(ask(post("Echo", "application/proto", "")).status, 200U);
}

TEST_F(ProtocolTest, TakesACharsetWithJson) {
  EXPECT_EQ(ask(post("Echo", "application/json; charset=utf-8", "{}")).status, 200U);
  EXPECT_EQ(ask(post("Echo", "Application/JSON;charset=UTF-8", "{}")).status, 200U);
  EXPECT_EQ(ask(post("Echo", "application/json; charset=latin-1", "{}")).status, 415U);
}

TEST_F(ProtocolTest, RefusesUnknownJsonFieldsAndWhatIsNotJson) {
  for (const auto* body : {R"({"texd":"hi"})", R"({"text":7})", "{", "", "[]", "\xff", R"({"text":"a"} x)"}) {
    const auto answer = ask(post_json("Echo", body));
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_EQ(error_in(answer).code, ErrorCode::invalid_argument) << body;
    EXPECT_EQ(error_in(answer).field, "body") << body;
  }
}

TEST_F(ProtocolTest, RefusesWhatIsNotTheMessage) {
  const auto answer = ask(post("Echo", "application/proto", "\xff\xff\xff"));
  EXPECT_EQ(answer.status, 400U);
  EXPECT_EQ(error_in(answer).code, ErrorCode::invalid_argument);
}

TEST_F(ProtocolTest, GivesEachErrorItsHttpStatusAndOurDetail) {
  const std::map<std::string, std::pair<unsigned, std::string>> expected{
      {"invalid_argument", {400, "invalid_argument"}},
      {"kernel_differs", {400, "failed_precondition"}},
      {"not_found", {404, "not_found"}},
      {"already_exists", {409, "already_exists"}},
      {"permission_denied", {403, "permission_denied"}},
      {"unavailable", {503, "unavailable"}},
      {"timeout", {504, "deadline_exceeded"}},
      {"resource_exhausted", {429, "resource_exhausted"}},
      {"conflict", {409, "aborted"}},
      {"unimplemented", {501, "unimplemented"}},
      {"internal", {500, "internal"}},
      {"canceled", {499, "canceled"}},
      {"unauthenticated", {401, "unauthenticated"}},
      {"failed_precondition", {400, "failed_precondition"}}};
  for (const auto& [code, wanted] : expected) {
    const auto answer = ask(post_json("Echo", R"({"failWith":")" + code + R"("})"));
    EXPECT_EQ(answer.status, wanted.first) << code;
    EXPECT_EQ(answer.headers.at("content-type"), "application/json") << code;
    EXPECT_THAT(answer.body, HasSubstr(R"("code":")" + wanted.second + '"')) << code;
    EXPECT_THAT(answer.body, HasSubstr(R"("type":"sealift.v1.ErrorDetail")")) << code;
    EXPECT_EQ(name(error_in(answer).code), code);
    EXPECT_EQ(error_in(answer).field, "fail_with");
    EXPECT_EQ(answer.body.find("this must stay here"), std::string::npos);
    EXPECT_EQ(answer.headers.contains("retry-after"), wanted.first == 429) << code;
  }
}

TEST_F(ProtocolTest, AnswersGetWithoutSideEffects) {
  const auto get = [](const std::string& query) {
    return ask("GET /sealift.rpc.testing.EchoService/Echo?" + query + " HTTP/1.1\r\nHost: x\r\n\r\n");
  };
  const auto json = get("connect=v1&encoding=json&message=%7B%22text%22%3A%22a+b%22%7D");
  EXPECT_EQ(json.status, 200U);
  EXPECT_THAT(json.body, HasSubstr(R"("text":"a b")"));
  EXPECT_EQ(get("encoding=proto&base64=1&message=CgJoaQ").status, 200U);
  EXPECT_EQ(get("encoding=proto&base64=1&message=CgJoaQ%3D%3D").status, 200U);
  for (const auto* query :
       {"", "encoding=json", "message=%7B%7D", "encoding=xml&message=%7B%7D", "encoding=json&message=%7B%7",
        "encoding=json&message=%7B%7D&connect=v2", "encoding=json&message=%7B%7D&compression=gzip",
        "encoding=json&message=%7B%7D&message=%7B%7D", "encoding=json&message=%7B%7D&x=1",
        "encoding=proto&base64=1&message=C",
        "encoding=proto&base64=2&message=", "encoding=json&message=%zz"}) {
    const auto answer = get(query);
    EXPECT_TRUE(answer.status == 400 || answer.status == 501) << query << " " << answer.status;
  }
}

TEST_F(ProtocolTest, SaysWhichVerbsAMethodTakes) {
  const auto verb = [](const std::string& text, const std::string& method) {
    return ask(text + " /sealift.rpc.testing.EchoService/" + method + " HTTP/1.1\r\nHost: x\r\n\r\n");
  };
  EXPECT_EQ(verb("GET", "Add").status, 405U);
  EXPECT_EQ(verb("GET", "Add").headers.at("allow"), "POST");
  EXPECT_EQ(verb("DELETE", "Echo").headers.at("allow"), "GET, POST");
  EXPECT_EQ(verb("GET", "Count").headers.at("allow"), "POST");
  EXPECT_EQ(verb("BREW", "Echo").status, 405U);
}

TEST_F(ProtocolTest, SaysWhichContentTypesAMethodTakes) {
  const auto unary = ask(post("Echo", "text/plain", "x"));
  EXPECT_EQ(unary.status, 415U);
  EXPECT_EQ(unary.headers.at("accept-post"), "application/proto, application/json");
  const auto stream = ask(post("Count", "application/json", "{}"));
  EXPECT_EQ(stream.status, 415U);
  EXPECT_EQ(stream.headers.at("accept-post"), "application/connect+proto, application/connect+json");
  EXPECT_EQ(ask(post("Echo", "application/connect+json", "{}")).status, 415U);
  EXPECT_EQ(ask("POST /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\nHost: x\r\n\r\n").status, 415U);
}

TEST_F(ProtocolTest, AnswersUnknownPathsWith404) {
  for (const auto* path :
       {"/", "/x", "/sealift.rpc.testing.EchoService/Nothing", "/sealift.rpc.testing.EchoService/",
        "//sealift.rpc.testing.EchoService/Echo", "/sealift.rpc.testing.EchoService/Echo/",
        "/sealift.rpc.testing.EchoService/%45cho", "*", "http://x/y"}) {
    const auto answer =
        ask(std::string{"POST "} + path +
            " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    EXPECT_EQ(answer.status, 404U) << path;
    EXPECT_EQ(error_in(answer).code, ErrorCode::unimplemented);
  }
}

TEST_F(ProtocolTest, KeepsTheConnectionAfterRefusals) {
  auto connection = connect();
  EXPECT_EQ(connection.exchange(post("Nothing", "application/json", "{}")).status, 404U);
  EXPECT_EQ(connection.exchange(post("Echo", "text/plain", "abc")).status, 415U);
  EXPECT_EQ(connection.exchange(post_json("Echo", "{")).status, 400U);
  EXPECT_EQ(connection.exchange(post_json("Echo", "{}")).status, 200U);
}

TEST_F(ProtocolTest, AnswersRequestsThatWereSentAtOnceInOrder) {
  auto connection = connect();
  std::string all;
  for (int i = 0; i < 20; ++i) all += post_json("Echo", R"({"text":")" + std::to_string(i) + R"("})");
  all += post("Nothing", "application/json", "{}");
  ASSERT_TRUE(connection.send(all));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(connection.receive().body, HasSubstr(R"("text":")" + std::to_string(i) + '"'));
  }
  EXPECT_EQ(connection.receive().status, 404U);
}

TEST_F(ProtocolTest, ReadsARequestWhateverPiecesItComesIn) {
  const auto request = post_json("Echo", R"({"text":"pieces"})");
  auto connection = connect();
  for (const char c : request) ASSERT_TRUE(connection.send({&c, 1}));
  EXPECT_EQ(connection.receive().status, 200U);
}

TEST_F(ProtocolTest, ReadsChunkedBodies) {
  const std::string head =
      "POST /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(ask(head + "9\r\n{\"text\":\"\r\n6\r\nhello\"\r\n1\r\n}\r\n0\r\n\r\n").body,
              HasSubstr("hello"));
}

TEST_F(ProtocolTest, ContinuesWhereTheClientAsks) {
  auto connection = connect();
  const std::string body = R"({"text":"later"})";
  const auto whole = post_json("Echo", body, "Expect: 100-continue\r\n");
  ASSERT_TRUE(connection.send(whole.substr(0, whole.size() - body.size())));
  EXPECT_EQ(connection.receive_some(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(connection.exchange(body).status, 200U);
  // Nothing is asked for where the answer is no.
  const auto refused = post("Nothing", "application/json", body, "Expect: 100-continue\r\n");
  EXPECT_EQ(connection.exchange(refused.substr(0, refused.size() - body.size())).status, 404U);
  EXPECT_TRUE(connection.ends());
}

TEST_F(ProtocolTest, RefusesWhatIsNotHttp11) {
  const auto good = post_json("Echo", "{}");
  const std::string line = "POST /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\n";
  const std::string type = "Content-Type: application/json\r\n";
  for (const std::string& bad : std::vector<std::string>{
           "hello\r\n\r\n", std::string{"\x16\x03\x01\x02\r\n\r\n"},
           "POST /sealift.rpc.testing.EchoService/Echo HTTP/1.0\r\nHost: x\r\n" + type + "\r\n",
           "POST /sealift.rpc.testing.EchoService/Echo HTTP/2.0\r\nHost: x\r\n\r\n",
           line + type + "Content-Length: 2\r\n\r\n{}",                 // no Host
           line + "Host: x\r\nHost: y\r\n" + type + "\r\n",             //
           line + "Host: x\r\n" + type + "Content-Length: -1\r\n\r\n",  //
           line + "Host: x\r\n" + type + "Content-Length: 99999999999999999999\r\n\r\n",
           line + "Host: x\r\n" + type + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
           line + "Host: x\r\n" + type + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           line + "Host: x\r\n" + type + type + "Content-Length: 2\r\n\r\n{}",
           line + "Host: x\r\n" + type + "Bad Header: x\r\n\r\n",
           line + "Host: x\r\n" + type + "Expect: miracles\r\nContent-Length: 2\r\n\r\n{}",
           line + "Host: x\r\n" + type + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
           line + "Host: x\nContent-Length: 0\n\n"}) {
    auto connection = connect();
    EXPECT_EQ(connection.exchange(bad).status, 400U) << bad;
    EXPECT_TRUE(connection.ends()) << bad;
  }
}

TEST_F(ProtocolTest, RefusesWhatIsTooLarge) {
  const std::string line = "POST /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\nHost: x\r\n";
  auto connection = connect();
  connection.send(line + "X: " + std::string(20'000, 'a'));
  EXPECT_EQ(connection.receive().status, 431U);

  const auto announced = ask(line + "Content-Type: application/json\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_EQ(announced.status, 400U);
  EXPECT_EQ(error_in(announced).code, ErrorCode::too_large);
  EXPECT_EQ(announced.headers.at("connection"), "close");

  auto chunked = connect();
  chunked.send(line + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'a') + "\r\n";
  for (int i = 0; i < 17; ++i) chunked.send(chunk);
  EXPECT_EQ(chunked.receive().status, 413U);
}

TEST_F(ProtocolTest, RefusesAChunkLineThatDoesNotEnd) {
  auto connection = connect();
  connection.send(
      "POST /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n1;" +
      std::string(100'000, 'a'));
  const auto answer = connection.receive();
  EXPECT_GE(answer.status, 400U);
}

TEST_F(ProtocolTest, TakesMoreWhereTheMethodSaysSo) {
  EchoRequest request;
  request.set_data(std::string(3 * 1024 * 1024, 'd'));
  const auto bytes = request.SerializeAsString();
  EXPECT_EQ(ask(post("Upload", "application/proto", bytes)).status, 200U);
  EXPECT_EQ(ask(post("Echo", "application/proto", bytes)).status, 400U);
}

TEST_F(ProtocolTest, KnowsItsOwnVersionOnly) {
  EXPECT_EQ(ask(post_json("Echo", "{}", "Connect-Protocol-Version: 1\r\n")).status, 200U);
  EXPECT_EQ(ask(post_json("Echo", "{}", "Connect-Protocol-Version: 2\r\n")).status, 400U);
}

TEST_F(ProtocolTest, TakesNoCompression) {
  EXPECT_EQ(ask(post_json("Echo", "{}", "Content-Encoding: identity\r\n")).status, 200U);
  const auto gzip = ask(post_json("Echo", "{}", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(gzip.status, 501U);
  EXPECT_EQ(error_in(gzip).field, "Content-Encoding");
  EXPECT_EQ(ask(post_json("Echo", "{}", "Accept-Encoding: gzip, br\r\n")).headers.count("content-encoding"),
            0U);
}

TEST_F(ProtocolTest, KeepsToTheTimeoutOfTheCaller) {
  const auto answer = ask(post_json("Echo", R"({"waitMs":60000})", "Connect-Timeout-Ms: 30\r\n"));
  EXPECT_EQ(answer.status, 504U);
  EXPECT_EQ(error_in(answer).code, ErrorCode::timeout);
  EXPECT_EQ(ask(post_json("Echo", "{}", "Connect-Timeout-Ms: 60000\r\n")).status, 200U);
  for (const auto* bad : {"x", "-1", "1.5", "12345678901", "+1", " ", "1 2"}) {
    EXPECT_EQ(ask(post_json("Echo", "{}", std::string{"Connect-Timeout-Ms: "} + bad + "\r\n")).status, 400U)
        << bad;
  }
}

TEST_F(ProtocolTest, AnswersTheNextRequestAfterATimeout) {
  auto connection = connect();
  EXPECT_EQ(
      connection.exchange(post_json("Echo", R"({"waitMs":60000})", "Connect-Timeout-Ms: 10\r\n")).status,
      504U);
  EXPECT_EQ(connection.exchange(post_json("Echo", "{}")).status, 200U);
}

TEST_F(ProtocolTest, PassesTheTraceOn) {
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const auto answer = ask(post_json("Echo", "{}", "traceparent: 00-" + id + "-b7ad6b7169203331-01\r\n"));
  EXPECT_THAT(answer.body, HasSubstr(id));
  EXPECT_EQ(ask(post_json("Echo", "{}", "traceparent: nonsense\r\n")).status, 200U);
}

TEST_F(ProtocolTest, NamesNoOtherConnectionThanItsOwn) {
  auto connection = connect();
  const auto answer = connection.exchange(post_json("Echo", "{}", "Connection: close\r\n"));
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(connection.ends());
  EXPECT_EQ(
      ask("HEAD /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\nHost: x\r\n\r\n").headers.at("connection"),
      "close");
}

// ---- Streams ----

std::vector<Envelope> envelopes(const RawAnswer& answer) {
  EnvelopeReader reader{1 << 20};
  reader.add(answer.body);
  std::vector<Envelope> all;
  while (auto next = reader.next().value()) all.push_back(*std::move(next));
  EXPECT_TRUE(reader.at_end());
  return all;
}

std::string stream_json(const std::string& message, const std::string& headers = {}) {
  return post("Count", "application/connect+json", to_envelope(message), headers);
}

TEST_F(ProtocolTest, StreamsJsonEnvelopes) {
  auto connection = connect();
  const auto answer = connection.exchange(stream_json(R"({"upto":3})"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.headers.at("content-type"), "application/connect+json");
  const auto all = envelopes(answer);
  ASSERT_EQ(all.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(all[i].end_of_stream);
    EXPECT_EQ(all[i].message, R"({"number":)" + std::to_string(i + 1) + "}");
  }
  EXPECT_TRUE(all[3].end_of_stream);
  EXPECT_EQ(all[3].message, "{}");
  EXPECT_EQ(connection.exchange(post_json("Echo", "{}")).status, 200U);
}

TEST_F(ProtocolTest, SaysWhyAStreamEnds) {
  const auto one = [](const std::string& request) {
    const auto answer = ask(request);
    EXPECT_EQ(answer.status, 200U);
    const auto all = envelopes(answer);
    EXPECT_EQ(all.size(), 1U);
    EXPECT_TRUE(all.back().end_of_stream);
    const auto status = end_of_stream_from_json(all.back().message);
    return status ? Error{} : status.error();
  };
  EXPECT_EQ(one(stream_json(R"({"failWith":"not_found"})")).code, ErrorCode::not_found);
  EXPECT_EQ(one(stream_json("{")).code, ErrorCode::invalid_argument);
  const auto raw = [&](const std::string& body) {
    return one(post("Count", "application/connect+json", body)).code;
  };
  EXPECT_EQ(raw(""), ErrorCode::invalid_argument);
  EXPECT_EQ(raw("{}"), ErrorCode::invalid_argument);
  EXPECT_EQ(raw(to_envelope("{}") + to_envelope("{}")), ErrorCode::invalid_argument);
  EXPECT_EQ(raw(to_envelope("{}") + "x"), ErrorCode::invalid_argument);
  EXPECT_EQ(raw(to_envelope("{}", true)), ErrorCode::invalid_argument);
  EXPECT_EQ(raw(std::string{"\x01\0\0\0\0", 5}), ErrorCode::invalid_argument);
  EXPECT_EQ(raw(std::string{"\x80\0\0\0\0", 5}), ErrorCode::invalid_argument);
  EXPECT_EQ(one(stream_json("{}", "Connect-Content-Encoding: gzip\r\n")).code, ErrorCode::unimplemented);
  EXPECT_EQ(one(stream_json("{}", "Connect-Timeout-Ms: 20\r\n")).code, ErrorCode::timeout);
}

}  // namespace
}  // namespace sealift::rpc
