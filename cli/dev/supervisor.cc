// SPDX-License-Identifier: Apache-2.0
#include "cli/dev/supervisor.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <csignal>
#include <thread>

#include "base/file.h"
#include "cli/cancellation.h"

namespace sealift::cli {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLook{5};
constexpr milliseconds kWatch{100};
constexpr milliseconds kGrace{10'000};
constexpr milliseconds kStart{60'000};
constexpr std::size_t kLogLimit = 64UL * 1024 * 1024;
constexpr std::string_view kSign = "listening on ";

std::string text_of(const std::filesystem::path& log) {
  const auto bytes = read_file(log, kLogLimit);
  return bytes ? std::string{as_text(*bytes)} : std::string{};
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

/// The last whole line that says it.
std::string address_in(const std::string& text) {
  const auto sign = text.rfind(kSign);
  if (sign == std::string::npos) return {};
  const auto end = text.find('\n', sign);
  return end == std::string::npos ? std::string{}
                                  : text.substr(sign + kSign.size(), end - sign - kSign.size());
}

}  // namespace

Result<Child> Supervisor::spawn_logged(const std::string& name, const std::vector<std::string>& argv) const {
  SEALIFT_TRY(const auto out, open_file(log(name), O_WRONLY | O_CREAT | O_APPEND, 0600));
  sealift::Command command;
  command.argv = {"setpriv", "--pdeathsig", "TERM"};  // none outlives us, however we end
  command.argv.insert(command.argv.end(), argv.begin(), argv.end());
  command.stdout_fd = out.get();
  command.stderr_fd = out.get();
  return spawn(command);
}

Status Supervisor::start(const std::string& name, std::vector<std::string> argv) {
  SEALIFT_TRY(auto child, spawn_logged(name, argv));
  processes_.push_back({name, std::move(argv), std::move(child)});
  return {};
}

Result<std::string> Supervisor::start_service(const std::string& name, std::vector<std::string> argv) {
  std::error_code ignored;
  std::filesystem::remove(log(name), ignored);  // an earlier run's address is none
  argv.insert(argv.end(), {"--listen", "127.0.0.1:0"});
  SEALIFT_CHECK(start(name, std::move(argv)));
  SEALIFT_TRY(auto address, wait_for_address(processes_.back()));
  processes_.back().argv.back() = address;
  return address;
}

Result<std::string> Supervisor::wait_for_address(Process& process) const {
  const auto until = std::chrono::steady_clock::now() + kStart;
  while (std::chrono::steady_clock::now() < until) {
    SEALIFT_CHECK(check_not_cancelled());
    if (auto address = address_in(text_of(log(process.name))); !address.empty()) return address;
    if (process.child.wait(kLook)) {
      return fail(ErrorCode::unavailable,
                  fmt::format("{} does not start: {}", process.name, last_line(text_of(log(process.name)))),
                  process.name);
    }
  }
  return fail(ErrorCode::timeout, process.name + " does not say that it listens", process.name);
}

void Supervisor::watch(const std::function<bool()>& stop,
                       const std::function<void(const std::string&)>& on_restart) {
  while (!stop()) {
    std::this_thread::sleep_for(kWatch);
    for (auto& process : processes_) {
      if (stop()) return;  // Ctrl-C reaches the processes as well
      if (!process.child.wait(milliseconds{0})) continue;
      auto child = spawn_logged(process.name, process.argv);
      if (!child) continue;  // tried again at the next look
      process.child = std::move(*child);
      on_restart(process.name);
    }
  }
}

void Supervisor::stop() {
  for (auto process = processes_.rbegin(); process != processes_.rend(); ++process) {
    process->child.signal(SIGTERM);
    if (!process->child.wait(kGrace)) process->child.signal(SIGKILL);
  }
  processes_.clear();
}

}  // namespace sealift::cli
