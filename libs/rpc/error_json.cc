// SPDX-License-Identifier: Apache-2.0
#include "rpc/error_json.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "rpc/codes.h"
#include "sealift/v1/error.pb.h"

namespace sealift::rpc {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDetailType = "sealift.v1.ErrorDetail";
/// What of a peer's text we pass on.
constexpr std::size_t kTextLimit = 4096;

std::string base64_without_padding(std::string_view bytes) {
  auto text = crypto::to_base64(as_bytes(bytes));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

Result<Bytes> from_base64_without_padding(std::string text) {
  while (text.size() % 4 != 0) text += '=';
  return crypto::from_base64(text);
}

Json json_of(const Error& error) {
  v1::ErrorDetail detail;
  detail.set_code(std::string{name(error.code)});
  detail.set_field(error.field);
  detail.set_remedy(std::string{remedy(error.code)});
  detail.set_expected(error.expected);
  detail.set_found(error.found);
  return {{"code", connect_code(error.code).name},
          {"message", error.message},
          {"details", Json::array({{{"type", kDetailType},
                                    {"value", base64_without_padding(detail.SerializeAsString())}}})}};
}

/// Text that was not valid UTF-8 is shown with replacements.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json parse(std::string_view body) {
  if (body.size() > kErrorJsonLimit) return Json(Json::value_t::discarded);
  return Json::parse(body, nullptr, false);
}

std::string string_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return {};
  return found->get<std::string>().substr(0, kTextLimit);
}

/// Our own detail, where there is one whose code we know.
std::optional<v1::ErrorDetail> detail_in(const Json& error) {
  const auto details = error.find("details");
  if (details == error.end() || !details->is_array()) return std::nullopt;
  for (const auto& each : *details) {
    if (!each.is_object() || string_member(each, "type") != kDetailType) continue;
    const auto bytes = from_base64_without_padding(string_member(each, "value"));
    v1::ErrorDetail detail;
    if (bytes && detail.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) return detail;
  }
  return std::nullopt;
}

Error error_of(const Json& json, const ConnectCode& otherwise) {
  const auto connect_name = string_member(json, "code");
  const auto& code = connect_name.empty() ? otherwise : connect_code_named(connect_name);
  Error error{code.ours, string_member(json, "message"), {}, {}};
  if (error.message.empty()) error.message = fmt::format("the other side answered {}", code.name);
  if (const auto detail = detail_in(json)) {
    // A newer peer's code that we do not know keeps the meaning of its Connect code.
    const auto ours = error_code_from_name(detail->code());
    if (ours != ErrorCode::internal || detail->code() == name(ErrorCode::internal)) error.code = ours;
    error.field = detail->field().substr(0, kTextLimit);
    error.expected = detail->expected().substr(0, kTextLimit);
    error.found = detail->found().substr(0, kTextLimit);
  }
  return error;
}

}  // namespace

std::string to_json(const Error& error) { return text_of(json_of(error)); }

std::string end_of_stream_json(const Status& status) {
  return status ? "{}" : text_of(Json{{"error", json_of(status.error())}});
}

Error error_from_json(std::string_view body, unsigned http_status) {
  const auto& otherwise = connect_code_for_http(http_status);
  const auto json = parse(body);
  if (json.is_object()) return error_of(json, otherwise);
  return {otherwise.ours, fmt::format("the other side answered with HTTP status {}", http_status), {}, {}};
}

Status end_of_stream_from_json(std::string_view body) {
  const auto json = parse(body);
  if (!json.is_object()) return fail(ErrorCode::malformed, "the stream's last message is not JSON");
  const auto error = json.find("error");
  if (error == json.end()) return {};
  if (!error->is_object()) return fail(ErrorCode::malformed, "the stream's error is not an object");
  return tl::unexpected(error_of(*error, connect_code_named("unknown")));
}

}  // namespace sealift::rpc
