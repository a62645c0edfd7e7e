// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: the target of a Connect GET.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::rpc {

struct Target {
  std::string_view path;
  std::string_view query;  ///< without "?"
};
Target split_target(std::string_view target);

/// Percent-decoded names and values ("+" is a space); malformed for a bad escape or a name given twice.
Result<std::map<std::string, std::string>> parse_query(std::string_view query);
/// URL-safe base64, with or without padding.
Result<std::string> from_base64url(std::string_view text);

}  // namespace sealift::rpc
