// SPDX-License-Identifier: Apache-2.0
/// For tests: what another process has in its memory. For root.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"

namespace sealift::securitymodule {

/// Null where it can.
inline const char* why_memory_cannot_be_judged() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "a sanitizer keeps what is freed";
#else
  return ::geteuid() == 0 ? nullptr : "only root may look";
#endif
}

/// Half a seed of that byte.
inline bool holds_seed(ByteView bytes, std::uint8_t seed) {
  const std::string pattern(16, static_cast<char>(seed));
  return as_text(bytes).find(pattern) != std::string_view::npos;
}

struct Mapping {
  unsigned long from = 0;
  unsigned long to = 0;
  bool readable = false;
  bool locked = false;  ///< the kernel writes it to no swap
};

/// /proc/PID/smaps.
inline std::vector<Mapping> mappings_of(pid_t pid) {
  std::ifstream maps{"/proc/" + std::to_string(pid) + "/smaps"};
  std::vector<Mapping> all;
  for (std::string line; std::getline(maps, line);) {
    Mapping mapping;
    char readable = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %c", &mapping.from, &mapping.to, &readable) == 3) {
      mapping.readable = readable == 'r';
      all.push_back(mapping);
    } else if (line.starts_with("VmFlags:") && !all.empty()) {
      std::istringstream words{line};
      for (std::string word; words >> word;) all.back().locked |= word == "lo";
    }
  }
  return all;
}

/// Those that hold half a seed anywhere. A process of which little can be read fails the test.
inline std::vector<Mapping> mappings_with_seed(pid_t pid, std::uint8_t seed) {
  std::vector<Mapping> found;
  int read = 0;
  const auto memory = open_file("/proc/" + std::to_string(pid) + "/mem", O_RDONLY).value();
  for (const auto& mapping : mappings_of(pid)) {
    if (!mapping.readable) continue;
    Bytes region(mapping.to - mapping.from);
    if (!pread_exact(memory.get(), region, mapping.from)) continue;
    ++read;
    if (holds_seed(region, seed)) found.push_back(mapping);
  }
  EXPECT_GT(read, 10);
  return found;
}

}  // namespace sealift::securitymodule
