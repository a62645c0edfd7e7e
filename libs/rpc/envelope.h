// SPDX-License-Identifier: Apache-2.0
/// Connect's envelopes: one byte of flags, four bytes of length (big-endian), the message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sealift::rpc {

inline constexpr std::size_t kEnvelopeHead = 5;

struct Envelope {
  bool end_of_stream = false;
  std::string message;
};

std::string to_envelope(std::string_view message, bool end_of_stream = false);

/// Cuts a stream of bytes into envelopes, whatever the pieces they arrive in.
class EnvelopeReader {
 public:
  /// Messages above `message_limit` bytes are refused before they are read.
  explicit EnvelopeReader(std::size_t message_limit) noexcept : limit_{message_limit} {}
  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole envelope; none while bytes are missing. too_large; unsupported for compressed ones;
  /// malformed for flags that the protocol does not have.
  Result<std::optional<Envelope>> next();
  /// Nothing of a further envelope is here.
  bool at_end() const noexcept { return start_ == buffer_.size(); }

 private:
  std::size_t limit_;
  std::string buffer_;
  std::size_t start_ = 0;  // of what was not returned yet
};

}  // namespace sealift::rpc
