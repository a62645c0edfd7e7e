// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/adapters/console.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sealift::ultravisor {
namespace {

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (!copy) return fail_errno("duplicate the console");
  return copy;
}

/// Until nobody holds the other end. What the file does not take (its disk may be full) is dropped.
void copy_console(const UniqueFd& from, const UniqueFd& to, std::uint64_t limit) {
  std::array<std::uint8_t, 16384> buffer{};
  std::uint64_t room = limit;
  bool full = false;
  for (;;) {
    const auto got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    const auto kept = std::min<std::uint64_t>(room, static_cast<std::uint64_t>(got));
    room -= kept;
    (void)write_all(to.get(), ByteView{buffer}.first(static_cast<std::size_t>(kept)));
    if (full || kept == static_cast<std::uint64_t>(got)) continue;
    full = true;
    (void)write_all(to.get(), as_bytes(fmt::format("\n[only the first {} bytes are kept]\n", limit)));
  }
}

}  // namespace

Result<Console> Console::open(int out, std::uint64_t limit) {
  struct stat status{};
  if (::fstat(out, &status) != 0) return fail_errno("fstat the console");
  SEALIFT_TRY(auto copy, duplicate(out));
  if (!S_ISREG(status.st_mode)) return Console{std::move(copy), {}, {}, limit};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  return Console{UniqueFd{ends[1]}, UniqueFd{ends[0]}, std::move(copy), limit};
}

void Console::keep() {
  guests_end_.reset();
  if (!file_) return;
  copying_ = std::jthread{
      [from = std::move(ours_), to = std::move(file_), limit = limit_] { copy_console(from, to, limit); }};
}

void Console::finish() {
  if (copying_.joinable()) copying_.join();
}

}  // namespace sealift::ultravisor
