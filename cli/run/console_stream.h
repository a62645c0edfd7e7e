// SPDX-License-Identifier: Apache-2.0
/// What a guest prints, line by line: kept, shown, and watched for a sign that it is ready. The guest's words
/// are hostile to a terminal, so control characters are taken out before they get there.
#pragma once

#include <regex.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"

namespace sealift::cli {

/// A POSIX extended regular expression.
class Pattern {
 public:
  /// invalid_argument with the reason.
  static Result<Pattern> compile(const std::string& text);
  bool matches(const std::string& line) const;

 private:
  struct Free {
    void operator()(regex_t* expression) const noexcept;
  };
  explicit Pattern(std::unique_ptr<regex_t, Free> expression) : expression_{std::move(expression)} {}
  std::unique_ptr<regex_t, Free> expression_;
};

class ConsoleStream {
 public:
  /// Both may be absent: `file` gets all bytes as they come, `show` each whole line, made printable.
  struct Sinks {
    UniqueFd file;
    std::function<void(const std::string&)> show;
  };
  explicit ConsoleStream(Sinks sinks) : sinks_{std::move(sinks)} {}

  /// Takes what is there now; false at its end. A line that `until` matches is remembered, also an unfinished
  /// one: a prompt.
  Result<bool> read_from(int fd, const Pattern* until);
  /// The line that was waited for, "" as long as there was none.
  const std::string& matched() const noexcept { return matched_; }

 private:
  void take(std::string_view text, const Pattern* until);
  void end_line();
  Sinks sinks_;
  std::string line_;
  std::string matched_;
};

}  // namespace sealift::cli
