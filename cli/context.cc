// SPDX-License-Identifier: Apache-2.0
#include "cli/context.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/progress_bar.h"

namespace sealift::cli {

bool is_colourful(int fd) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  return ::isatty(fd) == 1 && (no_color == nullptr || *no_color == '\0') && term != nullptr &&
         std::string_view{term} != "dumb";
}

Progress& Context::progress() {
  if (!progress_) {
    if (json) {
      progress_ = std::make_unique<NoProgress>();
    } else {
      progress_ = std::make_unique<ProgressBar>(STDERR_FILENO, is_colourful(STDERR_FILENO));
    }
  }
  return *progress_;
}

Status Context::tick(std::string_view text) const {
  if (json) return {};
  const bool colour = is_colourful(STDOUT_FILENO);
  return print_text(fmt::format("{}✓{} {}\n", colour ? "\x1b[32m" : "", colour ? "\x1b[0m" : "", text));
}

Status Context::report(const Json& document, std::string_view text) const {
  return json ? print_document(document) : print_text(text);
}

}  // namespace sealift::cli
