// SPDX-License-Identifier: Apache-2.0
#include "rpc/protocol.h"

#include <fmt/core.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>

#include "rpc/codes.h"
#include "rpc/envelope.h"
#include "rpc/error_json.h"
#include "rpc/query.h"

namespace sealift::rpc {
namespace {

namespace util = google::protobuf::util;

constexpr std::string_view kProto = "application/proto";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = "text/plain; version=0.0.4; charset=utf-8";  // Prometheus'
constexpr std::string_view kStreamProto = "application/connect+proto";
constexpr std::string_view kStreamJson = "application/connect+json";
constexpr std::size_t kTimeoutDigits = 10;

bool streams(const Method& method) { return static_cast<bool>(method.stream); }

Reply json_reply(unsigned status, std::string body) {
  return {status, {{"Content-Type", std::string{kJson}}}, std::move(body), {}};
}

/// An answer of HTTP itself, with our error in it for whoever reads it.
Reply http_refusal(unsigned status, const Error& error, std::string_view header = {},
                   std::string value = {}) {
  auto reply = json_reply(status, to_json(error));
  reply.error = error;
  if (!header.empty()) reply.headers.emplace_back(header, std::move(value));
  return reply;
}

Reply wrong_verb(const RequestHead& head, const Method& method) {
  const Error error{
      ErrorCode::unimplemented,
      fmt::format("{} cannot be called with {}", method.name, std::string{head.method}.substr(0, 16)),
      "method",
      {}};
  return http_refusal(405, error, "Allow",
                      method.page                                  ? "GET"
                      : method.no_side_effects && !streams(method) ? "GET, POST"
                                                                   : "POST");
}

Reply wrong_content_type(const Method& method) {
  const auto accepted = streams(method) ? fmt::format("{}, {}", kStreamProto, kStreamJson)
                                        : fmt::format("{}, {}", kProto, kJson);
  const Error error{
      ErrorCode::unsupported, fmt::format("{} takes {}", method.name, accepted), "Content-Type", {}};
  return http_refusal(415, error, "Accept-Post", accepted);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// "application/json; charset=utf-8" is JSON too (connect's own clients may send it); other parameters are
/// not known here.
std::optional<Encoding> encoding_of(std::string_view type, bool stream) {
  constexpr std::string_view kCharset = "charset=utf-8";
  auto media = type.substr(0, type.find(';'));
  if (media.size() != type.size()) {
    auto parameter = type.substr(media.size() + 1);
    while (parameter.starts_with(' ')) parameter.remove_prefix(1);
    if (!equals_ignoring_case(parameter, kCharset)) return std::nullopt;
  }
  while (media.ends_with(' ')) media.remove_suffix(1);
  if (equals_ignoring_case(media, stream ? kStreamProto : kProto)) return Encoding::proto;
  if (equals_ignoring_case(media, stream ? kStreamJson : kJson)) return Encoding::json;
  return std::nullopt;
}

Result<std::optional<std::chrono::milliseconds>> timeout_of(std::string_view text) {
  if (text.empty()) return std::optional<std::chrono::milliseconds>{};
  std::uint64_t value = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.size() > kTimeoutDigits || parsed.ec != std::errc{} || parsed.ptr != end) {
    return fail(ErrorCode::invalid_argument, "a timeout has 1 to 10 digits", "Connect-Timeout-Ms");
  }
  return std::optional{std::chrono::milliseconds{value}};
}

Status check_version(std::string_view version, std::string_view expected, std::string_view where) {
  if (version.empty() || version == expected) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("{} must be {}", where, expected), std::string{where});
}

Status check_identity_coding(std::string_view coding, std::string_view where) {
  if (coding.empty() || equals_ignoring_case(coding, "identity")) return {};
  return fail(ErrorCode::unimplemented, fmt::format("{} can only be identity", where), std::string{where});
}

/// Errors are JSON there, too.
std::variant<Plan, Reply> plan_page(const RequestHead& head, Plan plan) {
  if (head.method != "GET") return wrong_verb(head, *plan.method);
  plan.encoding = Encoding::json;
  plan.message.emplace();
  return plan;
}

/// What GET says in its query.
Status read_query(std::string_view query, Plan& plan) {
  SEALIFT_TRY(auto fields, parse_query(query));
  const auto take = [&](const char* name) {
    auto node = fields.extract(name);
    return node.empty() ? std::string{} : std::move(node.mapped());
  };
  SEALIFT_CHECK(check_version(take("connect"), "v1", "connect"));
  SEALIFT_CHECK(check_identity_coding(take("compression"), "compression"));
  const auto encoding = take("encoding");
  if (encoding != "json" && encoding != "proto") {
    return fail(ErrorCode::invalid_argument, "encoding must be json or proto", "encoding");
  }
  plan.encoding = encoding == "json" ? Encoding::json : Encoding::proto;
  if (!fields.contains("message")) {
    return fail(ErrorCode::invalid_argument, "the query has no message", "message");
  }
  plan.message = take("message");
  const auto base64 = take("base64");
  if (!base64.empty() && base64 != "1")
    return fail(ErrorCode::invalid_argument, "base64 must be 1", "base64");
  if (base64 == "1") {
    SEALIFT_TRY(plan.message, from_base64url(*plan.message));
  }
  if (fields.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the query has the unknown name {}", fields.begin()->first.substr(0, 64)), "query");
}

Status read_headers(const RequestHead& head, Plan& plan) {
  SEALIFT_CHECK(check_version(head.connect_protocol_version, "1", "Connect-Protocol-Version"));
  if (streams(*plan.method)) {
    SEALIFT_CHECK(check_identity_coding(head.connect_content_encoding, "Connect-Content-Encoding"));
  } else {
    SEALIFT_CHECK(check_identity_coding(head.content_encoding, "Content-Encoding"));
  }
  SEALIFT_TRY(plan.timeout, timeout_of(head.connect_timeout_ms));
  return {};
}

/// JSON is refused where it has what the message does not know: a misspelt field must not be lost.
util::JsonParseOptions strict() {
  util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  return options;
}

Error not_the_message(const Plan& plan, const Error& why) {
  return {ErrorCode::invalid_argument,
          fmt::format("the request is not a {} in {}: {}", plan.method->request->GetTypeName(),
                      plan.encoding == Encoding::json ? "JSON" : "protobuf", why.message),
          "body", why.detail};
}

/// A handler's exception must not take the server down; it is a defect all the same.
Status guarded(const std::function<Status()>& handler) {
  try {
    return handler();
  } catch (const std::exception& exception) {
    return fail(ErrorCode::internal, "the server has a defect", {}, exception.what());
  }
}

}  // namespace

std::variant<Plan, Reply> plan(const RequestHead& head, const Router& router) {
  const auto target = split_target(head.target);
  Plan plan;
  plan.trace = parse_traceparent(head.traceparent).value_or(Trace::random());
  plan.method = router.find(target.path);
  if (plan.method == nullptr) {
    return http_refusal(404, {ErrorCode::unimplemented, "there is no such method", "path", {}});
  }
  if (plan.method->page) return plan_page(head, std::move(plan));
  const bool get = head.method == "GET" && plan.method->no_side_effects && !streams(*plan.method);
  if (!get && head.method != "POST") return wrong_verb(head, *plan.method);
  if (get) {
    if (const auto read = read_query(target.query, plan); !read) return refusal(read.error());
  } else {
    const auto encoding = encoding_of(head.content_type, streams(*plan.method));
    if (!encoding) return wrong_content_type(*plan.method);
    plan.encoding = *encoding;
  }
  if (const auto read = read_headers(head, plan); !read) return refusal(plan, read.error());
  return plan;
}

std::string_view content_type(const Plan& plan) {
  const bool json = plan.encoding == Encoding::json;
  if (streams(*plan.method)) return json ? kStreamJson : kStreamProto;
  return json ? kJson : kProto;
}

Reply refusal(const Error& error) {
  auto reply = json_reply(connect_code(error.code).http_status, to_json(error));
  reply.error = error;
  // Limits are per second, or as long as another call takes.
  if (reply.status == 429) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Reply refusal(const Plan& plan, const Error& error) {
  if (!streams(*plan.method)) return refusal(error);
  auto reply = Reply{200,
                     {{"Content-Type", std::string{content_type(plan)}}},
                     to_envelope(end_of_stream_json(tl::unexpected(error)), true),
                     error};
  if (connect_code(error.code).http_status == 429) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Result<std::string> encode(const google::protobuf::Message& message, Encoding encoding) {
  std::string out;
  if (encoding == Encoding::proto) {
    if (message.SerializeToString(&out)) return out;
    return fail(ErrorCode::internal, "the answer is too large to be sent");
  }
  const auto status = util::MessageToJsonString(message, &out);
  if (status.ok()) return out;
  return fail(ErrorCode::internal, "the answer cannot be written as JSON", {}, status.message().ToString());
}

Status decode(std::string_view text, Encoding encoding, google::protobuf::Message& message) {
  if (encoding == Encoding::proto) {
    if (message.ParseFromArray(text.data(), static_cast<int>(text.size()))) return {};
    return fail(ErrorCode::malformed, "the bytes are not that message");
  }
  const auto status =
      util::JsonStringToMessage(google::protobuf::StringPiece{text.data(), text.size()}, &message, strict());
  if (status.ok()) return {};
  return fail(ErrorCode::malformed, status.message().ToString().substr(0, 256));
}

Reply serve_unary(const Plan& plan, const Call& call, std::string_view body) {
  // It waited for a worker longer than its caller for it.
  if (call.is_cancelled()) return refusal(plan, {ErrorCode::canceled, "nobody waits for the answer", {}, {}});
  if (plan.method->page) return {200, {{"Content-Type", std::string{kText}}}, plan.method->page(), {}};
  const std::unique_ptr<google::protobuf::Message> request{plan.method->request->New()};
  if (const auto decoded = decode(plan.message ? *plan.message : body, plan.encoding, *request); !decoded) {
    return refusal(plan, not_the_message(plan, decoded.error()));
  }
  const std::unique_ptr<google::protobuf::Message> response{plan.method->response->New()};
  const auto handled = guarded([&] { return plan.method->unary(call, *request, *response); });
  if (!handled) return refusal(plan, handled.error());
  auto encoded = encode(*response, plan.encoding);
  if (!encoded) return refusal(plan, encoded.error());
  return {200, {{"Content-Type", std::string{content_type(plan)}}}, *std::move(encoded), {}};
}

Status open_stream(const Plan& plan, const Call& call, std::string_view body,
                   std::shared_ptr<StreamSink> sink) {
  EnvelopeReader reader{body.size()};
  reader.add(body);
  auto envelope = reader.next();
  if (!envelope) return tl::unexpected(not_the_message(plan, envelope.error()));
  if (!envelope->has_value() || (*envelope)->end_of_stream || !reader.at_end()) {
    return fail(ErrorCode::invalid_argument, "the request is not exactly one envelope", "body");
  }
  const std::unique_ptr<google::protobuf::Message> request{plan.method->request->New()};
  if (const auto decoded = decode((*envelope)->message, plan.encoding, *request); !decoded) {
    return tl::unexpected(not_the_message(plan, decoded.error()));
  }
  return guarded([&] { return plan.method->stream(call, *request, std::move(sink)); });
}

}  // namespace sealift::rpc
