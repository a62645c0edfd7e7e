// SPDX-License-Identifier: Apache-2.0
#include "program/program.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift {
namespace {

constexpr int kUsage = static_cast<int>(ErrorKind::usage);
constexpr int kEnvironment = static_cast<int>(ErrorKind::environment);

/// One line, whatever libraries and peers wrote into it.
std::string one_line(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

std::string text_of(const Error& error) {
  const auto detail = error.detail.empty() ? "" : fmt::format(" ({})", one_line(error.detail));
  return one_line(fmt::format("{}: {}{}. {}", name(error.code), error.message, detail, remedy(error.code)));
}

}  // namespace

int run_program(CLI::App& app, const char* name, int argc, char** argv, const std::function<Status()>& run) {
  app.name(name);
  app.set_config("--config", "", "a file of these options, without their dashes: NAME = VALUE lines");
  app.allow_config_extras(CLI::config_extras_mode::error);
  try {
    app.parse(argc, argv);
  } catch (const CLI::FileError& error) {
    fmt::print(stderr, "{}: {}. Check the path behind --config.\n", name, one_line(error.what()));
    return kEnvironment;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const auto status = run();
  if (status) return 0;
  fmt::print(stderr, "{}: {}\n", name, text_of(status.error()));
  return static_cast<int>(kind(status.error().code));
}

}  // namespace sealift
