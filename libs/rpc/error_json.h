// SPDX-License-Identifier: Apache-2.0
/// Errors as they travel: {"code", "message", "details": [{"type": "sealift.v1.ErrorDetail", "value"}]}.
/// All of an Error arrives but its `detail`, which never leaves the process.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::rpc {

/// Larger ones are not read.
inline constexpr std::size_t kErrorJsonLimit = 64 * 1024;

/// The body of a unary call that failed.
std::string to_json(const Error& error);
/// The last envelope of a stream: "{}" or {"error": …}.
std::string end_of_stream_json(const Status& status);

/// The error that a peer sent with `http_status`. What cannot be read becomes an error that says so.
Error error_from_json(std::string_view body, unsigned http_status);
/// What the last envelope says; malformed where it is none.
Status end_of_stream_from_json(std::string_view body);

}  // namespace sealift::rpc
