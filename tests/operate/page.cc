// SPDX-License-Identifier: Apache-2.0
#include "tests/operate/page.h"

#include <sstream>

namespace sealift::operate {

std::vector<Block> shell_blocks(const std::string& markdown) {
  std::vector<Block> blocks;
  std::istringstream lines{markdown};
  std::string section;
  bool in_fence = false;
  bool in_shell = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with("```")) {
      in_fence = !in_fence;
      std::istringstream words{line.substr(3)};
      std::string word;
      words >> word;
      in_shell = in_fence && word == "sh";
      if (!in_shell) continue;
      blocks.push_back({section, {}, {}, number + 1});
      while (words >> word) blocks.back().machines.push_back(word);
    } else if (in_shell) {
      blocks.back().text += line + "\n";
    } else if (!in_fence && line.starts_with("## ")) {
      section = line.substr(3);
    }
  }
  return blocks;
}

}  // namespace sealift::operate
