// SPDX-License-Identifier: Apache-2.0
/// Which request something was done for, across processes (W3C Trace Context, traceparent version 00).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sealift::rpc {

struct Trace {
  std::array<std::uint8_t, 16> id{};   ///< the same in every process that works for one request
  std::array<std::uint8_t, 8> span{};  ///< of the caller
  std::uint8_t flags = 0;              ///< as they came

  static Trace random();
  /// The same request, seen from one step further.
  Trace child() const;
  /// "00-<id>-<span>-<flags>", lower-case hexadecimal.
  std::string traceparent() const;
  std::string id_text() const;
  bool operator==(const Trace&) const = default;
};

/// None for what is not a valid traceparent: the standard wants such a header to be left aside.
std::optional<Trace> parse_traceparent(std::string_view text);

}  // namespace sealift::rpc
