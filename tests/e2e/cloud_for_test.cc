// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/cloud_for_test.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

namespace sealift::e2e {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

/// One line, or what came before the end or the limit.
std::string read_line(int fd, seconds limit) {
  std::string line;
  const auto until = steady_clock::now() + limit;
  while (line.find('\n') == std::string::npos && steady_clock::now() < until) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, 1000) == 0) continue;
    char buffer[65536];
    const auto got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    line.append(buffer, static_cast<std::size_t>(got));
  }
  return line;
}

std::vector<Json> documents(const std::string& text) {
  std::vector<Json> all;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) all.push_back(Json::parse(line, nullptr, false));
  return all;
}

}  // namespace

CloudForTest::CloudForTest(const Words& options)
    : directory_{TemporaryDirectory::create("sealift-cloud").value()} {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  output_ = UniqueFd{ends[0]};
  const UniqueFd writing{ends[1]};
  auto command = cli::sealift_command({"dev", "up", "--dir", directory_.path().string(), "--json"});
  command.argv.insert(command.argv.end(), options.begin(), options.end());
  // It ends with us, however we end.
  command.argv.insert(command.argv.begin(), {"setpriv", "--pdeathsig", "TERM"});
  command.stdout_fd = writing.get();
  command.stderr_fd = STDERR_FILENO;
  child_ = spawn(command).value();
  description_ = Json::parse(read_line(output_.get(), seconds{60}), nullptr, false);
  EXPECT_TRUE(description_.is_object()) << "dev up does not come up";
}

CloudForTest::~CloudForTest() {
  child_->signal(SIGTERM);
  EXPECT_TRUE(child_->wait(seconds{60})) << "dev up does not end";
}

Words CloudForTest::approval() const {
  return {"--root",         description_.value("root", ""),
          "--intermediate", description_.value("intermediate", ""),
          "--reference",    reference()};
}

Words CloudForTest::words(Words command, const std::string& tenant) const {
  const auto cloud = as(tenant);
  command.insert(command.end(), cloud.begin(), cloud.end());
  return command;
}

CloudForTest::Launched CloudForTest::launch(Words options, const std::string& tenant) const {
  options.insert(options.begin(), "launch");
  options.insert(options.end(), {"--yes", "--json"});
  const auto output = cli::sealift(words(std::move(options), tenant));
  Launched launched;
  launched.lines = documents(output.out);
  launched.exit_status = output.exit_status;
  if (!output.err.empty()) launched.error = Json::parse(output.err, nullptr, false).value("error", Json{});
  return launched;
}

std::string CloudForTest::Launched::id() const {
  for (const auto& line : lines) {
    if (line.contains("launch_id")) return line["launch_id"];
  }
  return {};
}

std::string CloudForTest::Launched::state() const {
  return lines.empty() || !lines.back().contains("launch") ? "" : lines.back()["launch"].value("state", "");
}

std::vector<std::string> CloudForTest::Launched::events() const {
  std::vector<std::string> names;
  for (const auto& line : lines) {
    if (line.contains("event")) names.push_back(line.value("step", "") + " " + line.value("event", ""));
  }
  return names;
}

bool CloudForTest::console_shows(const std::string& launch_id, const std::string& text,
                                 const std::string& tenant) const {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  const UniqueFd reading{ends[0]};
  UniqueFd writing{ends[1]};
  auto command = cli::sealift_command(words({"console", launch_id}, tenant));
  command.stdout_fd = writing.get();
  auto console = spawn(command).value();
  writing.reset();
  std::string seen;
  const auto until = steady_clock::now() + seconds{240};
  while (seen.find(text) == std::string::npos && steady_clock::now() < until) {
    pollfd waiting{reading.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 1000) == 0) continue;
    char buffer[65536];
    const auto got = ::read(reading.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    seen.append(buffer, static_cast<std::size_t>(got));
  }
  const bool found = seen.find(text) != std::string::npos;
  if (!found) ADD_FAILURE() << "the console shows no \"" << text << "\":\n" << seen;
  return found;
}

Json CloudForTest::state_of(const std::string& launch_id, const std::string& tenant) const {
  const auto listed = cli::sealift_json(words({"ps", "--all"}, tenant));
  for (const auto& launch : listed.value("launches", Json::array())) {
    if (launch.value("launch_id", "") == launch_id) return launch;
  }
  return Json::object();
}

Json CloudForTest::stop(const std::string& launch_id, const std::string& tenant) const {
  auto launch = cli::sealift_json(words({"stop", launch_id}, tenant));
  const auto until = steady_clock::now() + seconds{60};
  while (launch.value("state", "") == "stopping" && steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    launch = state_of(launch_id, tenant);
  }
  return launch;
}

pid_t CloudForTest::process(const std::string& name) const {
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const auto id = entry.path().filename().string();
    if (id.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file{entry.path() / "cmdline"};
    std::string cmdline;
    std::getline(file, cmdline);  // nothing where the process is gone by now
    if (cmdline.find(path("credentials/" + name) + '\0') != std::string::npos &&
        cmdline.find("sealift-") != std::string::npos) {
      return static_cast<pid_t>(std::stol(id));
    }
  }
  return -1;
}

}  // namespace sealift::e2e
