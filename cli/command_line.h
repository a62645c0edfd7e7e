// SPDX-License-Identifier: Apache-2.0
/// Declaring commands and their options. CLI11 is behind this, in one file: every file that includes it costs
/// two seconds to compile.
///
///   auto tpm = root.group("tpm", "Work for a TPM, done without one", "sealift tpm seal …");
///   auto options = std::make_shared<SealOptions>();
///   auto seal = tpm.command("seal", "Seal a secret to a storage key", "sealift tpm seal --storage-key …",
///                           [options](Context& context) { return seal_secret(*options, context); });
///   seal.path("--storage-key", options->storage_key, "TPM2B_PUBLIC of the parent", Need::required);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sealift::cli {

enum class Need : std::uint8_t { optional, required };
using Action = std::function<Status(Context&)>;
/// Gets the arguments behind the command's name, as they were typed.
using PassingAction = std::function<Status(Context&, std::vector<std::string>)>;

/// What a value looks like in --help.
inline constexpr const char* kFile = "FILE";
inline constexpr const char* kDirectory = "DIR";
inline constexpr const char* kHex = "HEX";
inline constexpr const char* kText = "TEXT";

/// A command, or a group of them. A handle: copies mean the same command. What options write into outlives
/// the parsing, so it belongs to the action.
class Command {
 public:
  /// A group: one of its commands must be named.
  Command group(const std::string& name, const std::string& help, const std::string& example);
  /// A command with --json.
  Command command(const std::string& name, const std::string& help, const std::string& example,
                  Action action);
  /// A command whose arguments, --help included, are somebody else's.
  void passing(const std::string& name, const std::string& help, PassingAction action);

  /// `name` is "--name", or "NAME" for a positional argument; `looks` what stands for the value in --help.
  Command& text(const std::string& name, std::string& into, const char* looks, const std::string& help,
                Need need = Need::optional);
  /// The same, where an empty text means something else than none.
  Command& text(const std::string& name, std::optional<std::string>& into, const char* looks,
                const std::string& help);
  /// May be given several times.
  Command& texts(const std::string& name, std::vector<std::string>& into, const char* looks,
                 const std::string& help, Need need = Need::optional);
  Command& path(const std::string& name, std::filesystem::path& into, const char* looks,
                const std::string& help, Need need = Need::optional);
  Command& paths(const std::string& name, std::vector<std::filesystem::path>& into, const char* looks,
                 const std::string& help, Need need = Need::optional);
  Command& flag(const std::string& name, bool& into, const std::string& help);
  Command& number(const std::string& name, std::uint32_t& into, const std::string& help);
  /// Bytes, also as 64K, 20M, 3G (of 1024).
  Command& size(const std::string& name, std::uint64_t& into, const std::string& help);
  Command& choice(const std::string& name, std::string& into, const std::vector<std::string>& allowed,
                  const std::string& help, Need need = Need::optional);

 private:
  friend class CommandLine;
  struct Chosen;
  Command(CLI::App& app, Chosen& chosen) : app_{&app}, chosen_{&chosen} {}
  CLI::App* app_;
  Chosen* chosen_;
};

class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& help, const std::string& example,
              const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  CommandLine(CommandLine&&) = delete;
  CommandLine& operator=(CommandLine&&) = delete;

  Command root();
  /// Parses, runs the chosen command and prints its error. The exit status: 0, or the error's kind.
  int run(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
  std::unique_ptr<Command::Chosen> chosen_;
};

}  // namespace sealift::cli
