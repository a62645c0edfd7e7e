// SPDX-License-Identifier: Apache-2.0
#include "services/agent/sev/qmp.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace sealift::agent {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t kLineLimit = 1U << 20U;
constexpr auto kPause = 20ms;

/// Nothing where nobody listens yet.
Result<UniqueFd> try_connect(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return fail(ErrorCode::invalid_argument, "the path of QEMU's socket is too long", "qmp");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

Status send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return fail(ErrorCode::guest_failed, "QEMU closed its control socket", "qmp");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

std::string text_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

Result<Qmp> Qmp::connect(const std::filesystem::path& socket, Child& qemu, std::chrono::seconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    SEALIFT_TRY(auto fd, try_connect(socket));
    if (fd) {
      Qmp qmp{std::move(fd), limit};
      SEALIFT_TRY(const auto greeting, qmp.receive(deadline));
      if (!greeting.contains("QMP")) return fail(ErrorCode::malformed, "QEMU does not greet", "qmp");
      SEALIFT_TRY(const auto agreed, qmp.execute("qmp_capabilities"));
      return qmp;
    }
    if (qemu.wait(std::chrono::duration_cast<std::chrono::milliseconds>(kPause)))
      return fail(ErrorCode::guest_failed, "QEMU ended before the guest was made", "qemu");
    if (Clock::now() >= deadline)
      return fail(ErrorCode::timeout, "QEMU does not open its control socket", "qmp");
  }
}

/// One line: QEMU sends one document on each. Read byte by byte, because what follows is another's.
Result<Json> Qmp::receive(Clock::time_point deadline) const {
  std::string line;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const int count = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return fail(ErrorCode::timeout, "QEMU does not answer", "qmp");
    char c = 0;
    if (count < 0 || ::read(socket_.get(), &c, 1) != 1)
      return fail(ErrorCode::guest_failed, "QEMU closed its control socket", "qmp");
    if (c == '\n') break;
    line += c;
    if (line.size() > kLineLimit) return fail(ErrorCode::too_large, "QEMU's answer is too long", "qmp");
  }
  auto json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::malformed, "QEMU's answer is no JSON object", "qmp");
  return json;
}

Result<Json> Qmp::execute(std::string_view command) const { return execute(command, Json::object()); }

Result<Json> Qmp::execute(std::string_view command, const Json& arguments) const {
  const Json request{{"execute", command}, {"arguments", arguments}};
  SEALIFT_CHECK(send_all(socket_.get(), request.dump() + "\n"));
  const auto deadline = Clock::now() + limit_;
  for (;;) {
    SEALIFT_TRY(auto answer, receive(deadline));
    if (answer.contains("return")) return std::move(answer["return"]);
    const auto error = answer.find("error");
    if (error != answer.end() && error->is_object())
      return fail(ErrorCode::guest_failed, fmt::format("{}: {}", command, text_at(*error, "desc")),
                  std::string{command});
  }
}

}  // namespace sealift::agent
