// SPDX-License-Identifier: Apache-2.0
#include "rpc/trace.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/random.h"

namespace sealift::rpc {
namespace {

/// Lower-case hexadecimal only, as the standard has it.
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> parse_hex(std::string_view text) {
  if (std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; })) return std::nullopt;
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

bool is_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Trace Trace::random() { return {crypto::random_array<16>(), crypto::random_array<8>(), 0}; }
Trace Trace::child() const { return {id, crypto::random_array<8>(), flags}; }
std::string Trace::id_text() const { return to_hex(id); }
std::string Trace::traceparent() const {
  return fmt::format("00-{}-{}-{:02x}", id_text(), to_hex(span), flags);
}

std::optional<Trace> parse_traceparent(std::string_view text) {
  if (text.size() != 55 || !text.starts_with("00-") || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const auto id = parse_hex<16>(text.substr(3, 32));
  const auto span = parse_hex<8>(text.substr(36, 16));
  const auto flags = parse_hex<1>(text.substr(53, 2));
  if (!id || !span || !flags || is_zero(*id) || is_zero(*span)) return std::nullopt;
  return Trace{*id, *span, flags->front()};
}

}  // namespace sealift::rpc
