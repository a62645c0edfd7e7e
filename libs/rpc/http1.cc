// SPDX-License-Identifier: Apache-2.0
#include "rpc/http1.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>

namespace sealift::rpc {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

tl::unexpected<Error> refuse(const boost::beast::error_code& why) {
  if (why == http::error::header_limit) return fail(ErrorCode::too_large, "the head is too large", "head");
  if (why == http::error::body_limit) return fail(ErrorCode::too_large, "the body is too large", "body");
  if (why == http::error::partial_message) {
    return fail(ErrorCode::unavailable, "the connection ended in the middle of a message", "connection");
  }
  return fail(ErrorCode::malformed, fmt::format("this is not HTTP/1.1: {}", why.message()), "http");
}

template <class Parser>
Result<std::size_t> feed_parser(Parser& parser, ByteView bytes) {
  boost::beast::error_code why;
  const auto taken = parser.put(boost::asio::const_buffer{bytes.data(), bytes.size()}, why);
  if (why && why != http::error::need_more) return refuse(why);
  return taken;
}

/// The header's value; empty where it is absent. Two of one that counts would be read differently by others.
template <class Fields>
Result<std::string_view> single(const Fields& fields, std::string_view name) {
  const auto range = fields.equal_range(boost::beast::string_view{name.data(), name.size()});
  if (range.first == range.second) return std::string_view{};
  if (std::next(range.first) != range.second) {
    return fail(ErrorCode::malformed, fmt::format("the header {} is there twice", name), std::string{name});
  }
  const auto value = view(range.first->value());
  if (value.empty())
    return fail(ErrorCode::malformed, fmt::format("the header {} is empty", name), std::string{name});
  return value;
}

std::string_view reason(unsigned status) {
  return view(http::obsolete_reason(static_cast<http::status>(status)));
}

}  // namespace

struct RequestReader::State {
  http::request_parser<http::string_body> parser;
  RequestHead head;
  bool head_checked = false;

  Status read_head() {
    const auto& message = parser.get();
    if (message.version() != 11) return fail(ErrorCode::malformed, "only HTTP/1.1 is spoken here", "version");
    SEALIFT_TRY(const auto host, single(message, "Host"));
    if (host.empty()) return fail(ErrorCode::malformed, "the header Host is missing", "Host");
    head.method = view(message.method_string());
    head.target = view(message.target());
    head.keep_alive = message.keep_alive();
    head.chunked = parser.chunked();
    if (const auto length = parser.content_length()) head.content_length = *length;
    if (message.has_content_length() && head.chunked) {
      return fail(ErrorCode::malformed, "the body has two lengths", "Content-Length");
    }
    SEALIFT_TRY(const auto expect, single(message, "Expect"));
    head.expects_continue = boost::beast::iequals({expect.data(), expect.size()}, "100-continue");
    if (!expect.empty() && !head.expects_continue) {
      return fail(ErrorCode::unsupported, "an unknown expectation", "Expect");
    }
    SEALIFT_TRY(head.content_type, single(message, "Content-Type"));
    SEALIFT_TRY(head.content_encoding, single(message, "Content-Encoding"));
    SEALIFT_TRY(head.connect_content_encoding, single(message, "Connect-Content-Encoding"));
    SEALIFT_TRY(head.connect_protocol_version, single(message, "Connect-Protocol-Version"));
    SEALIFT_TRY(head.connect_timeout_ms, single(message, "Connect-Timeout-Ms"));
    SEALIFT_TRY(head.traceparent, single(message, "traceparent"));
    return {};
  }
};

RequestReader::RequestReader(std::size_t head_limit, std::size_t body_limit)
    : state_{std::make_unique<State>()} {
  state_->parser.header_limit(static_cast<std::uint32_t>(head_limit));
  state_->parser.body_limit(body_limit);
}
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;
RequestReader::~RequestReader() = default;

Result<std::size_t> RequestReader::feed(ByteView bytes) {
  SEALIFT_TRY(const auto taken, feed_parser(state_->parser, bytes));
  if (head_done() && !state_->head_checked) {
    state_->head_checked = true;
    SEALIFT_CHECK(state_->read_head());
  }
  return taken;
}

bool RequestReader::head_done() const noexcept { return state_->parser.is_header_done(); }
bool RequestReader::done() const noexcept { return state_->parser.is_done(); }
const RequestHead& RequestReader::head() const noexcept { return state_->head; }

Status RequestReader::limit_body(std::size_t bytes) {
  state_->parser.body_limit(bytes);
  if (state_->head.content_length.value_or(0) <= bytes) return {};
  return fail(ErrorCode::too_large,
              fmt::format("the request of {} bytes exceeds {}", *state_->head.content_length, bytes), "body");
}

std::string RequestReader::take_body() { return std::move(state_->parser.get().body()); }

struct ResponseReader::State {
  http::response_parser<http::string_body> parser;
};

ResponseReader::ResponseReader(std::size_t head_limit, std::size_t body_limit)
    : state_{std::make_unique<State>()} {
  state_->parser.header_limit(static_cast<std::uint32_t>(head_limit));
  state_->parser.body_limit(body_limit);
}
ResponseReader::ResponseReader(ResponseReader&&) noexcept = default;
ResponseReader& ResponseReader::operator=(ResponseReader&&) noexcept = default;
ResponseReader::~ResponseReader() = default;

Result<std::size_t> ResponseReader::feed(ByteView bytes) { return feed_parser(state_->parser, bytes); }
bool ResponseReader::head_done() const noexcept { return state_->parser.is_header_done(); }
bool ResponseReader::done() const noexcept { return state_->parser.is_done(); }

ResponseHead ResponseReader::head() const {
  const auto& message = state_->parser.get();
  ResponseHead head;
  head.status = message.result_int();
  // A body that ends with the connection could have been cut off by anyone.
  head.keep_alive = message.keep_alive() && !message.need_eof();
  head.content_type = std::string{view(message[http::field::content_type])};
  const auto retry = view(message[http::field::retry_after]);
  unsigned seconds = 0;
  const auto parsed = std::from_chars(retry.data(), retry.data() + retry.size(), seconds);
  if (!retry.empty() && parsed.ec == std::errc{} && parsed.ptr == retry.data() + retry.size()) {
    head.retry_after = seconds;
  }
  return head;
}

std::string ResponseReader::take_body() { return std::exchange(state_->parser.get().body(), {}); }

std::string to_http(const Reply& reply, bool keep_alive) {
  auto out = fmt::format("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
  for (const auto& [name, value] : reply.headers) out += fmt::format("{}: {}\r\n", name, value);
  if (!keep_alive) out += "Connection: close\r\n";
  out += fmt::format("Content-Length: {}\r\n\r\n", reply.body.size());
  return out += reply.body;
}

std::string to_http_chunked_head(std::string_view content_type, bool keep_alive) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n{}\r\n",
                     content_type, keep_alive ? "" : "Connection: close\r\n");
}

std::string to_chunk(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

}  // namespace sealift::rpc
