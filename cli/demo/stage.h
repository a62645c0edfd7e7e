// SPDX-License-Identifier: Apache-2.0
/// Where the demo plays: a directory of its own, the very `sealift` commands a user would type, and a
/// narrator.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/process.h"
#include "base/result.h"

namespace sealift::cli {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

class Stage {
 public:
  enum class Voice : std::uint8_t { plain, coloured, json };
  /// `program` is the running sealift. With Voice::json only summary() speaks: one document.
  static Result<Stage> create(std::filesystem::path program, Voice voice);
  Stage(Stage&&) = default;
  Stage& operator=(Stage&&) = delete;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
  std::string file(const std::string& name) const { return path(name).string(); }
  /// Of the cloud that the demo starts.
  std::filesystem::path machines() const { return path("cloud/machines"); }

  /// "1 Seal …": what comes next.
  void act(const std::string& title);
  void say(const std::string& text) const;

  /// Shows and runs `sealift WORDS`, and gives back its JSON document; its own error where it failed.
  Result<Json> run(const Words& words) const;
  /// The same for `sealift dev host WORDS`.
  Result<Json> host(Words words) const;
  /// The same for a command that prints one document a line; `on_line` sees each as it comes, and may say
  /// that it has seen enough. The last document.
  Result<Json> follow(const Words& words, const std::function<bool(const Json&)>& on_line) const;
  /// The same, not shown.
  Result<Json> quietly(const Words& words) const;
  Result<Json> quietly_host(Words words) const { return quietly(for_machines(std::move(words))); }
  /// "dev host WORDS" with where the demo's machines are.
  Words for_machines(Words words) const;

  /// `sealift dev up`: the cloud, until end_cloud() or the end of the stage. What it describes.
  Result<Json> start_cloud();
  void end_cloud();

  /// A refusal that must come: shown, and counted as a wrong verdict unless `outcome` is `code` at `field`.
  void expect_refusal(const std::string& title, const Result<Json>& outcome, ErrorCode code,
                      const std::string& field);
  /// The verdicts, once more: {"verdicts": [{"what", "code", "field", "message", "as_expected"}],
  /// "all_as_expected"}. Fails where one of them is not the expected one.
  Status conclude() const;

 private:
  Stage(std::filesystem::path program, TemporaryDirectory directory, Voice voice)
      : program_{std::move(program)}, directory_{std::move(directory)}, voice_{voice} {}
  std::string painted(const char* colour, const std::string& text) const;
  void show(const Words& words) const;
  Command command(const Words& words) const;
  void print(const std::string& line) const;
  void summary() const;
  bool all_as_expected() const { return surprises_ == 0; }

  std::filesystem::path program_;
  struct Following {
    Child child;
    UniqueFd output;
  };
  Result<Following> start_following(const Words& words) const;
  /// The next document, or none at the end.
  static std::optional<Json> next_document(const Following& command);

  TemporaryDirectory directory_;
  Voice voice_;
  std::optional<Following> cloud_;
  int act_ = 0;
  int surprises_ = 0;
  Json verdicts_ = Json::array();
};

}  // namespace sealift::cli
