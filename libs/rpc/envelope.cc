// SPDX-License-Identifier: Apache-2.0
#include "rpc/envelope.h"

#include <fmt/core.h>

namespace sealift::rpc {
namespace {

constexpr std::uint8_t kCompressed = 0x01;
constexpr std::uint8_t kEndOfStream = 0x02;

}  // namespace

std::string to_envelope(std::string_view message, bool end_of_stream) {
  ByteWriter head;
  head.u8(end_of_stream ? kEndOfStream : 0).be32(static_cast<std::uint32_t>(message.size()));
  std::string out{as_text(head.view())};
  out += message;
  return out;
}

Result<std::optional<Envelope>> EnvelopeReader::next() {
  const auto rest = std::string_view{buffer_}.substr(start_);
  ByteReader reader{as_bytes(rest)};
  const auto flags = reader.u8();
  const auto size = reader.be32();
  if (!flags || !size) return std::optional<Envelope>{};
  if ((*flags & kCompressed) != 0)
    return fail(ErrorCode::unsupported, "a compressed message was not agreed on");
  if ((*flags & ~kEndOfStream) != 0) {
    return fail(ErrorCode::malformed, fmt::format("an envelope has the unknown flags {:#x}", *flags));
  }
  if (*size > limit_) {
    return fail(ErrorCode::too_large, fmt::format("a message of {} bytes exceeds {}", *size, limit_));
  }
  const auto message = reader.take(*size);
  if (!message) return std::optional<Envelope>{};
  Envelope envelope{*flags == kEndOfStream, std::string{as_text(*message)}};
  start_ += kEnvelopeHead + *size;
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  } else if (start_ > buffer_.size() / 2) {
    buffer_.erase(0, std::exchange(start_, 0));
  }
  return std::optional{std::move(envelope)};
}

}  // namespace sealift::rpc
