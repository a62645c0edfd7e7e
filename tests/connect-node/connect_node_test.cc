// SPDX-License-Identifier: Apache-2.0
// A client that is not ours: npm's connect-node against a server of libs/rpc.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"
#include "crypto/digest.h"
#include "rpc/testing/world.h"

namespace sealift::rpc {
namespace {

namespace fs = std::filesystem;

const fs::path kSource{SEALIFT_SOURCE_DIR};
const fs::path kHere = kSource / "tests/connect-node";

Output run_here(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  const auto output = run(std::move(command));
  return output ? *output : Output{127, "", output.error().message};
}

fs::path cache() {
  if (const auto* const xdg = std::getenv("XDG_CACHE_HOME")) return fs::path{xdg} / "sealift";
  return fs::path{std::getenv("HOME")} / ".cache/sealift";
}

bool is_about_the_network(const std::string& text) {
  for (const auto* sign : {"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
                           "ERR_SOCKET_TIMEOUT", "E403", "E502", "E503"}) {
    if (text.find(sign) != std::string::npos) return true;
  }
  return false;
}

/// A folder with the packages of package-lock.json and our script; made once per lock file.
struct Packages {
  fs::path folder;
  std::string unreachable;  ///< why they could not be had
};
Packages packages() {
  const auto lock = read_file(kHere / "package-lock.json", 1 << 20).value();
  const auto name =
      "connect-node-" + to_hex(crypto::digest(crypto::HashAlgorithm::sha256, lock).view()).substr(0, 16);
  const auto folder = cache() / name;
  if (!fs::exists(folder)) {
    fs::create_directories(cache());
    const auto made = TemporaryDirectory::create("connect-node").value();
    for (const auto* file : {"package.json", "package-lock.json"})
      fs::copy_file(kHere / file, made.path() / file);
    const auto output = run_here({"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                                  "--fetch-retries=1", "--prefix", made.path().string()});
    if (output.exit_status != 0 && is_about_the_network(output.err)) return {{}, output.err};
    EXPECT_EQ(output.exit_status, 0) << output.err;
    // Another test run may have been quicker; then its folder stays.
    const auto staged = cache() / (name + "." + std::to_string(::getpid()));
    fs::copy(made.path(), staged, fs::copy_options::recursive);
    std::error_code taken;
    fs::rename(staged, folder, taken);
    if (taken) fs::remove_all(staged);
  }
  return {folder, {}};
}

TEST(ConnectNode, SpeaksWithUs) {
  if (run_here({"node", "--version"}).exit_status != 0 || run_here({"npm", "--version"}).exit_status != 0) {
    GTEST_SKIP() << "no node and npm in PATH";
  }
  const auto [folder, unreachable] = packages();
  if (!unreachable.empty()) GTEST_SKIP() << "npm's registry cannot be reached: " << unreachable;

  testing::World world;
  const auto server = world.serve();
  const auto work = TemporaryDirectory::create("connect-node").value();
  const auto descriptors = work.path() / "all.binpb";
  const auto compiled =
      run_here({"protoc", "--include_imports", "--descriptor_set_out=" + descriptors.string(),
                "-I" + (kSource / "proto").string(), "-I" + (kSource / "libs").string(),
                "sealift/v1/error.proto", "rpc/testing/echo.proto"});
  ASSERT_EQ(compiled.exit_status, 0) << compiled.err;
  // Node looks for packages beside the script.
  fs::create_directory_symlink(folder / "node_modules", work.path() / "node_modules");
  fs::copy_file(kHere / "client.mjs", work.path() / "client.mjs");
  const auto output =
      run_here({"node", (work.path() / "client.mjs").string(), "localhost:" + std::to_string(server->port()),
                world.files(Role::tenant, "node").string(), descriptors.string()});
  const auto results = nlohmann::json::parse(output.out, nullptr, false);
  ASSERT_TRUE(results.is_object()) << output.out << output.err;
  EXPECT_EQ(results.size(), 18U);
  for (const auto& [check, result] : results.items()) EXPECT_EQ(result, "ok") << check;
}

}  // namespace
}  // namespace sealift::rpc
