// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/processes_for_test.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/file.h"

namespace sealift::e2e {
namespace {

constexpr std::chrono::milliseconds kLook{50};
constexpr std::size_t kMaxFile = 64U << 20U;
constexpr int kKernelFd = 3;  // services/ultravisor/adapters/qemu.cc
constexpr int kInitramfsFd = 4;

std::string word_after(const std::vector<std::string>& words, const std::string& option) {
  const auto found = std::ranges::find(words, option);
  return found == words.end() || found + 1 == words.end() ? std::string{} : *(found + 1);
}

Bytes content_of(pid_t pid, int fd) {
  auto bytes =
      read_file("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd), kMaxFile).value_or(Bytes{});
  return bytes;
}

std::string launch_of(const std::string& id) { return id.substr(0, id.rfind('.')); }

pid_t parent_of(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string name; file >> name;) {
    if (name != "PPid:") continue;
    pid_t parent = -1;
    file >> parent;
    return parent;
  }
  return -1;
}

template <typename Visit>
void for_each_process(Visit visit) {
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    const auto words = words_of(pid);
    if (!words.empty()) visit(pid, words);
  }
}

template <typename Which>
std::vector<GuestProcess> guests(Which which) {
  std::vector<GuestProcess> found;
  for_each_process([&](pid_t pid, const std::vector<std::string>& words) {
    if (words[0].find("qemu-system-") == std::string::npos) return;
    GuestProcess guest{pid, word_after(words, "-name"), word_after(words, "-append")};
    if (which(guest)) found.push_back(std::move(guest));
  });
  return found;
}

}  // namespace

std::vector<std::string> words_of(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/cmdline"};
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

Bytes GuestProcess::kernel() const { return content_of(pid, kKernelFd); }
Bytes GuestProcess::initramfs() const { return content_of(pid, kInitramfsFd); }

std::vector<GuestProcess> guests_of(const std::string& launch_id) {
  return guests([&](const GuestProcess& guest) { return launch_of(guest.id) == launch_id; });
}

std::vector<GuestProcess> guests_below(const std::filesystem::path& machines) {
  return guests([&](const GuestProcess& guest) {
    const auto words = words_of(parent_of(guest.pid));
    return word_after(words, "--socket").starts_with(machines.string() + "/");
  });
}

pid_t process_with(const std::string& word) {
  pid_t found = -1;
  for_each_process([&](pid_t pid, const std::vector<std::string>& words) {
    const bool is_ours = words[0].find("/sealift-") != std::string::npos;
    if (is_ours && std::ranges::find(words, word) != words.end()) found = pid;
  });
  return found;
}

GuestWatch::GuestWatch(std::filesystem::path machines, std::function<void(const GuestProcess&)> on_new)
    : thread_{
          [this, machines = std::move(machines), on_new = std::move(on_new)](const std::stop_token& stop) {
            for (; !stop.stop_requested(); std::this_thread::sleep_for(kLook)) {
              for (const auto& guest : guests_below(machines)) {
                {
                  const std::lock_guard lock{mutex_};
                  if (!seen_[launch_of(guest.id)].insert(guest.pid).second) continue;
                }
                on_new(guest);
              }
            }
          }} {}

std::size_t GuestWatch::started(const std::string& launch_id) const {
  const std::lock_guard lock{mutex_};
  const auto found = seen_.find(launch_id);
  return found == seen_.end() ? 0 : found->second.size();
}

}  // namespace sealift::e2e
