// SPDX-License-Identifier: Apache-2.0
#include "cli/run/console_stream.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/output.h"

namespace sealift::cli {
namespace {

constexpr std::size_t kMaxLine = 4096;  // longer ones are broken, so that memory and matching stay bounded

/// Without terminal escape sequences (ECMA-48, 5.4: ESC [ parameters final) and carriage returns.
std::string without_escapes(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\r') continue;
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && (line[i] < 0x40 || line[i] > 0x7e)) ++i;
      continue;
    }
    out += line[i];
  }
  return out;
}

}  // namespace

void Pattern::Free::operator()(regex_t* expression) const noexcept {
  ::regfree(expression);
  delete expression;
}

Result<Pattern> Pattern::compile(const std::string& text) {
  auto expression = std::make_unique<regex_t>();
  const int error = ::regcomp(expression.get(), text.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    std::array<char, 128> why{};
    ::regerror(error, expression.get(), why.data(), why.size());
    return fail(ErrorCode::invalid_argument, "'" + text + "' is no regular expression: " + why.data(),
                "--until");
  }
  return Pattern{std::unique_ptr<regex_t, Free>{expression.release()}};
}

bool Pattern::matches(const std::string& line) const {
  return ::regexec(expression_.get(), line.c_str(), 0, nullptr, 0) == 0;
}

Result<bool> ConsoleStream::read_from(int fd, const Pattern* until) {
  std::array<char, 16384> buffer{};
  const auto got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got < 0) return fail_errno("read the guest's console");
  const std::string_view text{buffer.data(), static_cast<std::size_t>(got)};
  if (sinks_.file) SEALIFT_CHECK(write_all(sinks_.file.get(), as_bytes(text)));
  take(text, until);
  if (got == 0 && !line_.empty()) end_line();
  return got > 0;
}

void ConsoleStream::take(std::string_view text, const Pattern* until) {
  const auto look = [&] {
    if (until == nullptr || !matched_.empty() || line_.empty()) return;
    const auto plain = without_escapes(line_);
    if (until->matches(plain)) matched_ = plain;
  };
  for (const char c : text) {
    if (c == '\n' || line_.size() == kMaxLine) {
      look();
      end_line();
    }
    if (c != '\n' && c != '\0') line_ += c;
  }
  look();
}

void ConsoleStream::end_line() {
  if (sinks_.show) sinks_.show(printable(without_escapes(line_)));
  line_.clear();
}

}  // namespace sealift::cli
