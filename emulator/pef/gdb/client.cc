// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/client.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace sealift::pef {
namespace {

constexpr std::size_t kPiece = 0xf00;
constexpr std::size_t kMaxDocument = 256U << 10U;

tl::unexpected<Error> gone() {
  return fail(ErrorCode::guest_failed, "the guest ended before it asked for secure mode", "guest");
}

}  // namespace

Status GdbClient::send(std::string_view data) {
  const auto packet = frame_packet(data);
  for (std::string_view rest{packet}; !rest.empty();) {
    const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return gone();
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Status GdbClient::receive_some(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd ready{socket_.get(), POLLIN, 0};
  const int got = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
  if (got < 0 && errno == EINTR) return {};
  if (got == 0) return fail(ErrorCode::timeout, "the guest did not ask for secure mode in time", "guest");
  std::array<std::uint8_t, 4096> buffer{};
  const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 || count <= 0) return gone();
  return packets_.feed(ByteView{buffer}.first(static_cast<std::size_t>(count)));
}

Result<std::string> GdbClient::receive(Clock::time_point deadline) {
  for (;;) {
    SEALIFT_TRY(auto packet, packets_.next());
    if (packet) {
      // QEMU goes on without it; a full socket would say that it is gone, which the next command sees.
      (void)::send(socket_.get(), "+", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      return *std::move(packet);
    }
    SEALIFT_CHECK(receive_some(deadline));
  }
}

Result<std::string> GdbClient::ask(std::string_view command, std::chrono::seconds limit) {
  SEALIFT_CHECK(send(command));
  auto answer = receive(Clock::now() + limit);
  if (!answer || (!answer->empty() && !answer->starts_with('E'))) return answer;
  return fail(ErrorCode::unsupported, fmt::format("QEMU's debugging port does not do '{}'", command), "gdb",
              *answer);
}

Status GdbClient::order(std::string_view command) {
  SEALIFT_TRY(const auto answer, ask(command));
  if (answer == "OK") return {};
  return fail(ErrorCode::malformed, fmt::format("QEMU's debugging port answers oddly to '{}'", command),
              "gdb");
}

Status GdbClient::resume() { return send("c"); }

Result<std::string> GdbClient::next_stop(Clock::time_point deadline) {
  auto answer = receive(deadline);
  if (!answer || answer->starts_with('T') || answer->starts_with('S')) return answer;
  return gone();  // W, X: the machine ended
}

Result<std::string> GdbClient::document(const std::string& name) {
  std::string whole;
  while (whole.size() <= kMaxDocument) {
    SEALIFT_TRY(const auto answer,
                ask(fmt::format("qXfer:features:read:{}:{:x},{:x}", name, whole.size(), kPiece)));
    SEALIFT_TRY(const auto piece, unescape_packet(std::string_view{answer}.substr(1)));
    whole += piece;
    if (answer.starts_with('l')) return whole;
    if (!answer.starts_with('m') || piece.empty()) break;
  }
  return fail(ErrorCode::malformed, "QEMU's description of its registers has no end", "gdb");
}

}  // namespace sealift::pef
