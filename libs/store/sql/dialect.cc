// SPDX-License-Identifier: Apache-2.0
#include "store/sql/dialect.h"

namespace sealift::sql {

std::string in_dialect(std::string_view sql, const Dialect& dialect) {
  std::string text{sql};
  for (const auto& [word, theirs] : dialect) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + theirs.size()))
      text.replace(at, word.size(), theirs);
  }
  return text;
}

}  // namespace sealift::sql
