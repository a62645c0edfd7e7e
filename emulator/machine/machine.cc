// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/machine.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kNameLimit = 63;
constexpr std::array<std::string_view, 2> kReserved{"ca", "firmware"};

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_name_character(char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; }

Status check_name(const std::string& name) {
  if (name.empty() || name.size() > kNameLimit || !is_alphanumeric(name.front()) ||
      !std::ranges::all_of(name, is_name_character)) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format(
            "'{}' cannot name a machine: 1 to {} of a-z, 0-9, '.', '_' and '-', a letter or digit first",
            name, kNameLimit),
        "name");
  }
  if (std::ranges::find(kReserved, name) != kReserved.end()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' cannot name a machine: the name is taken", name), "name");
  }
  return {};
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it here
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

}  // namespace

Result<fs::path> default_machines_directory() {
  if (const auto data = environment("XDG_DATA_HOME"); data.starts_with('/'))
    return fs::path{data} / "sealift/machines";
  if (const auto home = environment("HOME"); home.starts_with('/')) {
    return fs::path{home} / ".local/share/sealift/machines";
  }
  return fail(ErrorCode::not_found, "neither XDG_DATA_HOME nor HOME says where machines live; give --dir",
              "dir");
}

Result<Machine> Machine::at(const fs::path& machines, const std::string& name) {
  SEALIFT_CHECK(check_name(name));
  std::error_code error;
  Machine machine{fs::absolute(machines, error), name};
  constexpr auto kSocketLimit = sizeof(sockaddr_un::sun_path) - 1;
  const auto longest =
      std::max(machine.tpm_control_socket().native().size(), machine.ultravisor_socket().native().size());
  if (longest > kSocketLimit) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format(
            "{} is too long for the machine's sockets: shorten the machines directory or the name by {}",
            machine.path().native(), longest - kSocketLimit),
        "dir");
  }
  return machine;
}

Result<Machine> Machine::find(const fs::path& machines, const std::string& name) {
  SEALIFT_TRY(auto machine, at(machines, name));
  std::error_code error;
  if (fs::exists(machine.description(), error)) return machine;
  return fail(ErrorCode::not_found,
              fmt::format("there is no machine '{}' in {}", name, machine.machines().native()), "name");
}

Result<std::vector<Machine>> Machine::all(const fs::path& machines) {
  std::vector<Machine> found;
  std::error_code error;
  for (fs::directory_iterator entry{machines, error}, end; !error && entry != end; entry.increment(error)) {
    if (auto machine = find(machines, entry->path().filename().string()))
      found.push_back(*std::move(machine));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    errno = error.value();
    return fail_errno("read " + machines.native());
  }
  std::ranges::sort(found, {}, &Machine::name);
  return found;
}

Result<MachineLock> Machine::lock() const {
  SEALIFT_TRY(auto fd, open_file(path() / "lock", O_RDWR | O_CREAT));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("lock " + path().native());
  }
  return MachineLock{std::move(fd)};
}

}  // namespace sealift::emulator
