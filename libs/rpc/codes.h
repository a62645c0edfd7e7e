// SPDX-License-Identifier: Apache-2.0
/// Our error codes as the Connect protocol's, and back. The one place that knows both.
#pragma once

#include <string_view>

#include "base/error.h"

namespace sealift::rpc {

struct ConnectCode {
  std::string_view name;  ///< "not_found"
  unsigned http_status;
  ErrorCode ours;  ///< what it means when the other side does not say more
};

const ConnectCode& connect_code(ErrorCode code) noexcept;
/// `unknown` for a name that the protocol does not have.
const ConnectCode& connect_code_named(std::string_view name) noexcept;
/// For an answer that is not Connect's: a proxy's, say.
const ConnectCode& connect_code_for_http(unsigned status) noexcept;

}  // namespace sealift::rpc
