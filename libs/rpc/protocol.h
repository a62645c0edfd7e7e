// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: the server's side of the Connect protocol, without any I/O.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <variant>

#include "rpc/http1.h"
#include "rpc/router.h"

namespace sealift::rpc {

enum class Encoding : std::uint8_t { proto, json };

/// What a request's head asks for.
struct Plan {
  const Method* method = nullptr;
  Encoding encoding = Encoding::proto;
  std::optional<std::string> message;  ///< of a GET, where there is no body
  std::optional<std::chrono::milliseconds> timeout;
  Trace trace;
};

/// The plan, or the answer to what cannot be one. Nothing is said about who may call it.
std::variant<Plan, Reply> plan(const RequestHead& head, const Router& router);

/// The answer of a call that failed; for a stream that did not begin, a whole stream with the error.
Reply refusal(const Plan& plan, const Error& error);
/// The answer where no method is known yet.
Reply refusal(const Error& error);

/// Decodes `body`, runs the handler, encodes its answer.
Reply serve_unary(const Plan& plan, const Call& call, std::string_view body);
/// Decodes the one envelope in `body`, runs the handler.
Status open_stream(const Plan& plan, const Call& call, std::string_view body,
                   std::shared_ptr<StreamSink> sink);

std::string_view content_type(const Plan& plan);
/// internal where a message is no valid UTF-8 or misses what its type requires.
Result<std::string> encode(const google::protobuf::Message& message, Encoding encoding);
Status decode(std::string_view text, Encoding encoding, google::protobuf::Message& message);

}  // namespace sealift::rpc
