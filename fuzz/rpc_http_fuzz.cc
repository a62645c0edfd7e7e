// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 messages and envelopes: in whatever pieces the bytes come, what is read is the same and within its
// limits.
#include <cstdlib>

#include "rpc/envelope.h"
#include "rpc/http1.h"

namespace {

using namespace sealift;

constexpr std::size_t kHeadLimit = 2048;
constexpr std::size_t kBodyLimit = 1024;

void check(bool good) {
  if (!good) std::abort();
}

/// Gives `reader` the bytes, `piece` more of them each time. True where it has read a whole message.
template <typename Reader>
bool read(Reader& reader, ByteView bytes, std::size_t piece) {
  std::size_t start = 0;
  std::size_t end = std::min(piece, bytes.size());
  while (!reader.done()) {
    const auto taken = reader.feed(bytes.subspan(start, end - start));
    if (!taken) return false;
    check(*taken <= end - start);
    start += *taken;
    if (*taken > 0 && start < end) continue;
    if (end == bytes.size()) return reader.done();
    end = std::min(end + piece, bytes.size());
  }
  return true;
}

void read_requests(ByteView bytes, std::size_t piece) {
  rpc::RequestReader whole{kHeadLimit, kBodyLimit};
  rpc::RequestReader cut{kHeadLimit, kBodyLimit};
  const bool done = read(whole, bytes, bytes.size());
  check(read(cut, bytes, piece) == done);
  if (!done) return;
  const auto& head = whole.head();
  check(head.method == cut.head().method && head.target == cut.head().target);
  check(head.content_type == cut.head().content_type && head.keep_alive == cut.head().keep_alive);
  const auto body = whole.take_body();
  check(body.size() <= kBodyLimit && body == cut.take_body());
  if (head.content_length) check(body.size() == *head.content_length);
}

void read_responses(ByteView bytes, std::size_t piece) {
  rpc::ResponseReader whole{kHeadLimit, kBodyLimit};
  rpc::ResponseReader cut{kHeadLimit, kBodyLimit};
  const bool done = read(whole, bytes, bytes.size());
  check(read(cut, bytes, piece) == done);
  if (!done) return;
  check(whole.head().status == cut.head().status);
  check(whole.take_body() == cut.take_body());
}

void read_envelopes(std::string_view bytes, std::size_t piece) {
  rpc::EnvelopeReader reader{kBodyLimit};
  std::string read;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.add(bytes.substr(at, piece));
    for (auto next = reader.next(); next.has_value(); next = reader.next()) {
      if (!*next) break;
      check((*next)->message.size() <= kBodyLimit);
      read += rpc::to_envelope((*next)->message, (*next)->end_of_stream);
    }
  }
  check(bytes.starts_with(read));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView bytes{data + 2, size - 2};
  const std::size_t piece = data[1] + 1U;
  switch (data[0] % 3) {
    case 0:
      read_requests(bytes, piece);
      break;
    case 1:
      read_responses(bytes, piece);
      break;
    default:
      read_envelopes(as_text(bytes), piece);
  }
  return 0;
}
