// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: HTTP/1.1 messages (RFC 9112) by Boost.Beast's parsers, without any I/O. This file's
/// .cc is the only one that sees Beast.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::rpc {

/// The lines of a request that the protocol looks at; views into the reader.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  bool keep_alive = true;
  bool expects_continue = false;
  std::optional<std::uint64_t> content_length;  ///< none: chunked, or no body
  bool chunked = false;
  // Absent headers are empty; present and empty ones are refused.
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view connect_content_encoding;
  std::string_view connect_protocol_version;
  std::string_view connect_timeout_ms;
  std::string_view traceparent;
};

/// One request, fed with bytes as they come.
class RequestReader {
 public:
  RequestReader(std::size_t head_limit, std::size_t body_limit);
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;
  ~RequestReader();

  /// Takes bytes from the front of `bytes` and says how many. It stops after the head, and after the request.
  /// The head needs to be whole: until then 0 are taken, and all are given again with more behind them.
  /// malformed; too_large, field "head" or "body".
  Result<std::size_t> feed(ByteView bytes);
  bool head_done() const noexcept;
  bool done() const noexcept;
  /// After head_done().
  const RequestHead& head() const noexcept;
  /// Between head_done() and the first byte of the body: a smaller limit. too_large where the announced
  /// length exceeds it.
  Status limit_body(std::size_t bytes);
  /// After done().
  std::string take_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ResponseHead {
  unsigned status = 0;
  bool keep_alive = false;
  std::string content_type;
  std::optional<unsigned> retry_after;  ///< seconds
};

/// One response, fed with bytes as they come.
class ResponseReader {
 public:
  ResponseReader(std::size_t head_limit, std::size_t body_limit);
  ResponseReader(ResponseReader&&) noexcept;
  ResponseReader& operator=(ResponseReader&&) noexcept;
  ~ResponseReader();

  Result<std::size_t> feed(ByteView bytes);
  bool head_done() const noexcept;
  bool done() const noexcept;
  ResponseHead head() const;
  /// What of the body came since the last time.
  std::string take_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An answer before it is bytes. Content-Length and Connection are added when it is written.
struct Reply {
  unsigned status = 200;
  std::vector<std::pair<std::string_view, std::string>> headers;
  std::string body;
  std::optional<Error> error = {};  ///< why it is a refusal, for the log
};

std::string to_http(const Reply& reply, bool keep_alive);
/// The head of an answer whose body follows in chunks.
std::string to_http_chunked_head(std::string_view content_type, bool keep_alive);
std::string to_chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace sealift::rpc
