// SPDX-License-Identifier: Apache-2.0
/// docs/operate.md as somebody who follows it sees it: what to type, where, in this order.
#pragma once

#include <string>
#include <vector>

namespace sealift::operate {

struct Block {
  std::string section;                ///< the heading above it
  std::vector<std::string> machines;  ///< "```sh office one": where it is typed
  std::string text;
  int line = 0;  ///< of its first line
};

/// Every ```sh block of a page.
std::vector<Block> shell_blocks(const std::string& markdown);

}  // namespace sealift::operate
