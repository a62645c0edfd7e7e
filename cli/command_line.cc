// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>

#include "cli/cancellation.h"

namespace sealift::cli {

/// What parsing found out.
struct Command::Chosen {
  Context context;
  Action action;
};

namespace {

CLI::Option& finish(CLI::Option* option, const char* looks, Need need) {
  option->type_name(looks)->required(need == Need::required);
  return *option;
}

/// "Example:\n  sealift …", one line for each of the example's.
std::string footer(const std::string& example) {
  std::string text = example.find('\n') == std::string::npos ? "Example:\n  " : "Examples:\n  ";
  for (const char c : example) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text;
}

template <typename T>
CLI::Option* add_many(CLI::App& app, const std::string& name, std::vector<T>& into, const std::string& help) {
  return app
      .add_option_function<std::vector<std::string>>(
          name,
          [&into](const std::vector<std::string>& values) { into.assign(values.begin(), values.end()); },
          help)
      ->allow_extra_args(name.front() != '-');
}

template <typename T>
CLI::Option* add_one(CLI::App& app, const std::string& name, T& into, const std::string& help) {
  return app.add_option_function<std::string>(
      name, [&into](const std::string& value) { into = value; }, help);
}

bool asks_for_json(int argc, const char* const* argv) {
  return std::any_of(argv, argv + argc, [](const char* word) { return std::strcmp(word, "--json") == 0; });
}

Error usage_error(const CLI::ParseError& error) {
  std::string message{error.what()};
  message.erase(std::find(message.begin(), message.end(), '\n'), message.end());
  return {ErrorCode::invalid_argument, message, {}, {}};
}

}  // namespace

Command Command::group(const std::string& name, const std::string& help, const std::string& example) {
  auto* const app = app_->add_subcommand(name, help);
  app->require_subcommand(1)->footer(footer(example));
  return {*app, *chosen_};
}

Command Command::command(const std::string& name, const std::string& help, const std::string& example,
                         Action action) {
  auto* const app = app_->add_subcommand(name, help);
  app->footer(footer(example));
  app->add_flag("--json", chosen_->context.json, "one JSON document instead of text");
  app->callback([chosen = chosen_, action = std::move(action)] { chosen->action = action; });
  return {*app, *chosen_};
}

void Command::passing(const std::string& name, const std::string& help, PassingAction action) {
  auto* const app = app_->add_subcommand(name, help);
  app->set_help_flag();
  app->prefix_command();
  app->callback([app, chosen = chosen_, action = std::move(action)] {
    chosen->action = [action, rest = app->remaining()](Context& context) { return action(context, rest); };
  });
}

Command& Command::text(const std::string& name, std::string& into, const char* looks, const std::string& help,
                       Need need) {
  finish(add_one(*app_, name, into, help), looks, need);
  return *this;
}

Command& Command::text(const std::string& name, std::optional<std::string>& into, const char* looks,
                       const std::string& help) {
  finish(add_one(*app_, name, into, help), looks, Need::optional);
  return *this;
}

Command& Command::texts(const std::string& name, std::vector<std::string>& into, const char* looks,
                        const std::string& help, Need need) {
  finish(add_many(*app_, name, into, help), looks, need);
  return *this;
}

Command& Command::path(const std::string& name, std::filesystem::path& into, const char* looks,
                       const std::string& help, Need need) {
  finish(add_one(*app_, name, into, help), looks, need);
  return *this;
}

Command& Command::paths(const std::string& name, std::vector<std::filesystem::path>& into, const char* looks,
                        const std::string& help, Need need) {
  finish(add_many(*app_, name, into, help), looks, need);
  return *this;
}

Command& Command::flag(const std::string& name, bool& into, const std::string& help) {
  app_->add_flag(name, into, help);
  return *this;
}

Command& Command::number(const std::string& name, std::uint32_t& into, const std::string& help) {
  finish(app_->add_option(name, into, help), "N", Need::optional).check(CLI::PositiveNumber);
  return *this;
}

Command& Command::size(const std::string& name, std::uint64_t& into, const std::string& help) {
  auto& option = finish(app_->add_option(name, into, help), "BYTES", Need::optional);
  option.transform(CLI::AsSizeValue(false).description(""));
  return *this;
}

Command& Command::choice(const std::string& name, std::string& into, const std::vector<std::string>& allowed,
                         const std::string& help, Need need) {
  std::string looks;
  for (const auto& value : allowed) looks += (looks.empty() ? "" : "|") + value;
  finish(add_one(*app_, name, into, help), looks.c_str(), need).check(CLI::IsMember(allowed).description(""));
  return *this;
}

CommandLine::CommandLine(const std::string& name, const std::string& help, const std::string& example,
                         const std::string& version)
    : app_{std::make_unique<CLI::App>(help, name)}, chosen_{std::make_unique<Command::Chosen>()} {
  app_->require_subcommand(1)->footer(footer(example));
  app_->set_version_flag("--version", version);
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() { return {*app_, *chosen_}; }

int CommandLine::run(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app_->exit(wanted);
  } catch (const CLI::ParseError& error) {
    print_error(usage_error(error), asks_for_json(argc, argv));
    return static_cast<int>(ErrorKind::usage);
  }
  catch_signals();
  const auto status = chosen_->action(chosen_->context);
  if (status) return 0;
  print_error(status.error(), chosen_->context.json);
  return static_cast<int>(kind(status.error().code));
}

}  // namespace sealift::cli
