// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/stage.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace sealift::cli {
namespace {

constexpr const char* kBold = "1";
constexpr const char* kDim = "2";
constexpr const char* kRed = "31";
constexpr const char* kGreen = "32";

/// The words as one would type them, the stage's long directory left out.
std::string typed(const Words& words, const std::string& directory) {
  std::string line = "sealift";
  for (auto word : words) {
    for (auto at = word.find(directory); at != std::string::npos; at = word.find(directory)) {
      word.replace(at, directory.size() + 1, "");
    }
    const bool quote = word.find_first_of(" '\"$") != std::string::npos || word.empty();
    line += quote ? " '" + word + "'" : " " + word;
  }
  return line;
}

std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The error document that a failed command leaves on its standard error.
Error error_from(const std::string& text) {
  const auto start = text.rfind("{\"error\"");
  const auto json = start == std::string::npos ? Json{} : Json::parse(text.substr(start), nullptr, false);
  if (!json.is_object() || !json.contains("error")) {
    return {ErrorCode::internal, "the command failed without an error document: " + text, {}, {}};
  }
  const auto& error = json["error"];
  return {error_code_from_name(text_of(error, "code")),
          text_of(error, "message"),
          text_of(error, "field"),
          {},
          text_of(error, "expected"),
          text_of(error, "found")};
}

/// A digest's first characters tell it apart; `--json` has it whole.
std::string shortened(const std::string& text) {
  constexpr std::size_t kShown = 96;
  return text.size() <= kShown ? text : text.substr(0, kShown - 1) + "…";
}

Result<Json> document_of(const std::string& output) {
  auto json = Json::parse(output, nullptr, false);
  if (json.is_discarded()) return fail(ErrorCode::internal, "the command printed no JSON document");
  return json;
}

}  // namespace

Result<Stage> Stage::create(std::filesystem::path program, Voice voice) {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create("sealift-demo"));
  return Stage{std::move(program), std::move(directory), voice};
}

Stage::~Stage() { end_cloud(); }

std::string Stage::painted(const char* colour, const std::string& text) const {
  return voice_ == Voice::coloured ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

void Stage::print(const std::string& line) const {
  if (voice_ == Voice::json) return;
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void Stage::act(const std::string& title) {
  print("\n" + painted(kBold, fmt::format("{}. {}", ++act_, title)));
}

void Stage::say(const std::string& text) const { print("   " + text); }

void Stage::show(const Words& words) const {
  say(painted(kDim, "$ " + typed(words, directory_.path().string())));
}

Words Stage::for_machines(Words words) const {
  words.insert(words.begin(), {"dev", "host"});
  words.insert(words.end(), {"--dir", machines().string()});
  return words;
}

Command Stage::command(const Words& words) const {
  Command command;
  command.argv = {program_.string()};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.argv.emplace_back("--json");
  return command;
}

Result<Json> Stage::quietly(const Words& words) const {
  SEALIFT_TRY(const auto output, sealift::run(command(words)));
  if (output.exit_status != 0) return tl::unexpected(error_from(output.err));
  return document_of(output.out);
}

Result<Json> Stage::run(const Words& words) const {
  show(words);
  const auto start = std::chrono::steady_clock::now();
  auto result = quietly(words);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (took.count() > 2) say(painted(kDim, fmt::format("  ({:.1f} s)", took.count())));
  return result;
}

Result<Json> Stage::host(Words words) const { return run(for_machines(std::move(words))); }

Result<Stage::Following> Stage::start_following(const Words& words) const {
  SEALIFT_TRY(const auto errors, open_file(path("errors"), O_RDWR | O_CREAT | O_TRUNC));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd reading{ends[0]};
  const UniqueFd writing{ends[1]};
  auto follower = command(words);
  follower.stdout_fd = writing.get();
  follower.stderr_fd = errors.get();
  SEALIFT_TRY(auto child, spawn(follower));
  return Following{std::move(child), std::move(reading)};
}

std::optional<Json> Stage::next_document(const Following& command) {
  std::string line;
  for (char c = 0; ::read(command.output.get(), &c, 1) == 1;) {
    if (c == '\n') return Json::parse(line, nullptr, false);
    line += c;
  }
  return std::nullopt;
}

Result<Json> Stage::follow(const Words& words, const std::function<bool(const Json&)>& on_line) const {
  show(words);
  SEALIFT_TRY(auto command, start_following(words));
  Json last;
  while (auto document = next_document(command)) {
    last = std::move(*document);
    if (on_line(last)) return last;  // the command is ended with its Child
  }
  SEALIFT_TRY(const auto status, command.child.wait());
  if (status == 0) return last;
  SEALIFT_TRY(const auto text, read_file(path("errors"), 1U << 20U));
  return tl::unexpected(error_from(std::string{as_text(text)}));
}

Result<Json> Stage::start_cloud() {
  const Words words{"dev", "up", "--hosts", "2", "--dir", path("cloud").string()};
  show(words);
  SEALIFT_TRY(cloud_, start_following(words));
  if (auto described = next_document(*cloud_)) return std::move(*described);
  SEALIFT_TRY(const auto text, read_file(path("errors"), 1U << 20U));
  return tl::unexpected(error_from(std::string{as_text(text)}));
}

void Stage::end_cloud() {
  if (!cloud_) return;
  cloud_->child.signal(SIGTERM);
  (void)cloud_->child.wait(std::chrono::seconds{30});
  cloud_.reset();
}

void Stage::expect_refusal(const std::string& title, const Result<Json>& outcome, ErrorCode code,
                           const std::string& field) {
  const bool as_expected =
      !outcome && outcome.error().code == code && (field.empty() || outcome.error().field == field);
  verdicts_.push_back({{"what", title},
                       {"code", outcome ? "" : name(outcome.error().code)},
                       {"field", outcome ? "" : outcome.error().field},
                       {"message", outcome ? "accepted" : outcome.error().message},
                       {"expected", outcome ? "" : outcome.error().expected},
                       {"found", outcome ? "" : outcome.error().found},
                       {"as_expected", as_expected}});
  if (as_expected) {
    const auto& error = outcome.error();
    say(fmt::format("{} {}: {}{}", painted(kGreen, "✓"), title, painted(kBold, std::string{name(error.code)}),
                    error.field.empty() ? "" : " at " + error.field));
    say("  " + error.message);
    if (!error.expected.empty()) {
      say("  expected " + shortened(error.expected));
      say("  found    " + shortened(error.found));
    }
    say(painted(kDim, fmt::format("  → {}", remedy(error.code))));
    return;
  }
  ++surprises_;
  const auto got = outcome ? std::string{"was accepted"}
                           : fmt::format("was refused with {} at '{}': {}", name(outcome.error().code),
                                         outcome.error().field, outcome.error().message);
  say(painted(kRed, fmt::format("✗ {} {}; {} at '{}' should have come", title, got, name(code), field)));
}

Status Stage::conclude() const {
  summary();
  if (all_as_expected()) return {};
  return fail(ErrorCode::internal, "a verdict was not the expected one");
}

void Stage::summary() const {
  if (voice_ == Voice::json) {
    fmt::print("{}\n", Json{{"verdicts", verdicts_}, {"all_as_expected", all_as_expected()}}.dump());
    return;
  }
  const auto count = static_cast<int>(verdicts_.size());
  const auto verdict = fmt::format("{} of {} refusals as they should be", count - surprises_, count);
  print("\n" + painted(surprises_ == 0 ? kGreen : kRed, verdict));
}

}  // namespace sealift::cli
