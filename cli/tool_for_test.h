// SPDX-License-Identifier: Apache-2.0
/// For tests: the built `sealift`, run as users run it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/process.h"

namespace sealift::cli {

using Json = nlohmann::ordered_json;

inline Command sealift_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), SEALIFT_BINARY);
  Command command;
  command.argv = std::move(arguments);
  return command;
}

inline Output sealift(std::vector<std::string> arguments) {
  return run(sealift_command(std::move(arguments))).value();
}

/// The document on standard output of a command that must succeed.
inline Json sealift_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const auto output = sealift(std::move(arguments));
  EXPECT_EQ(output.exit_status, 0) << output.err;
  EXPECT_EQ(output.err, "");
  return Json::parse(output.out, nullptr, false);
}

/// The error on standard error of a command that must fail with that status, and print nothing else there.
inline Json sealift_error(std::vector<std::string> arguments, int exit_status) {
  arguments.emplace_back("--json");
  const auto output = sealift(std::move(arguments));
  EXPECT_EQ(output.exit_status, exit_status) << output.err;
  const auto document = Json::parse(output.err, nullptr, false);
  EXPECT_TRUE(document.is_object() && document.contains("error")) << output.err;
  if (!document.is_object() || !document.contains("error")) return Json::object();
  const auto& error = document["error"];
  for (const auto* member : {"code", "message", "remedy"}) EXPECT_TRUE(error.contains(member)) << output.err;
  return error;
}

/// A directory of the test's own, and files in it.
class ToolTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string write(const std::string& name, ByteView content) const {
    EXPECT_TRUE(write_file(path(name), content));
    return path(name);
  }
  std::string write(const std::string& name, std::string_view content) const {
    return write(name, as_bytes(content));
  }
  Bytes read(const std::string& name) const { return read_file(path(name), 1U << 24U).value(); }
  bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{directory_.path()}, {}));
  }

 private:
  TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-cli").value();
};

inline constexpr const char* kZeros = "0000000000000000000000000000000000000000000000000000000000000000";
inline constexpr const char* kOnes = "1111111111111111111111111111111111111111111111111111111111111111";

}  // namespace sealift::cli
