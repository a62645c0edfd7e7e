// SPDX-License-Identifier: Apache-2.0
/// Dependencies point one way (design section 12). The table below is the architecture; an #include or a
/// link that it does not allow fails here.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Rule {
  std::string part;  ///< a folder, or a header and its .cc without ending; the longest rule counts
  std::set<std::string> may_use;   ///< other parts
  std::vector<std::string> never;  ///< include names it must not have, as prefixes
};

const std::vector<std::string> kInputOutput{"fcntl.h",      "unistd.h",    "fstream",       "iostream",
                                            "sys/socket.h", "base/file.h", "base/process.h"};
const std::vector<std::string> kOutsideWorld{"sys/socket.h", "curl/",     "sqlite3.h", "libpq",
                                             "boost/",       "nlohmann/", "CLI/"};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table{
      {"libs/base", {}, {"openssl/", "nlohmann/", "CLI/"}},
      {"libs/crypto", {"libs/base"}, {}},
      {"libs/json", {"libs/base", "libs/crypto"}, kInputOutput},
      {"libs/merkle", {"libs/base", "libs/crypto"}, kInputOutput},
      {"libs/formats", {"libs/base", "libs/crypto"}, kInputOutput},
      {"libs/tpm", {"libs/base", "libs/crypto", "libs/json"}, {}},
      {"libs/tee/backend", {"libs/base", "libs/crypto"}, kInputOutput},
      {"libs/tee/sev", {"libs/base", "libs/crypto", "libs/json", "libs/tee/backend"}, kInputOutput},
      {"libs/tee",
       {"libs/base", "libs/crypto", "libs/json", "libs/formats", "libs/tpm", "libs/tee/backend"},
       {}},
      {"libs/rpc", {"libs/base", "libs/crypto"}, {"CLI/", "sqlite3.h", "curl/"}},
      {"libs/store/sql", {"libs/base"}, {"openssl/", "nlohmann/"}},
      {"libs/store", {"libs/base", "libs/store/sql"}, kOutsideWorld},
      {"libs/objects", {"libs/base", "libs/crypto"}, {}},
      {"libs/program", {"libs/base"}, {}},
      {"guest/agent", {"libs/base"}, {}},
      {"guest/image/manifest", {"libs/base", "libs/crypto", "libs/json", "libs/formats"}, kInputOutput},
      {"guest/image/owner",
       {"libs/base", "libs/crypto", "libs/json", "libs/formats", "guest/agent", "guest/image/manifest"},
       {}},
      {"guest/image",
       {"libs/base", "libs/crypto", "libs/json", "libs/formats", "guest/agent", "guest/image/manifest",
        "guest/image/owner"},
       {}},
      {"emulator", {"libs/base", "libs/crypto", "libs/json", "libs/tpm", "libs/tee/sev"}, {}},
      {"emulator/pef/guest",
       {"libs/base", "libs/crypto", "libs/formats", "libs/tee"},
       {"fcntl.h", "unistd.h", "fstream", "sys/socket.h", "base/process.h"}},
      {"emulator/pef",
       {"libs/base", "libs/crypto", "libs/formats", "libs/tpm", "libs/tee", "guest/agent",
        "emulator/pef/guest", "libs/program", "services/ultravisor", "services/ultravisor/api",
        "services/ultravisor/domain"},
       {}},
      {"services/ultravisor/api", {"libs/base", "libs/json"}, {}},
      {"services/ultravisor/domain",
       {"libs/base", "libs/crypto", "libs/formats", "libs/tpm", "libs/tee", "guest/agent",
        "services/ultravisor/api"},
       kOutsideWorld},
      {"services/ultravisor",
       {"libs/base", "libs/crypto", "libs/json", "libs/tpm", "libs/tee", "libs/program", "guest/agent",
        "services/ultravisor/api", "services/ultravisor/domain"},
       {}},
      {"services/frontend/domain",
       {"libs/base", "libs/crypto", "libs/formats", "libs/objects", "libs/store", "guest/image/manifest"},
       kOutsideWorld},
      {"services/frontend",
       {"libs/base", "libs/crypto", "libs/formats", "libs/objects", "libs/program", "libs/rpc", "libs/store",
        "guest/image/manifest", "services/frontend/domain"},
       {}},
      {"services/orchestrator/domain",
       {"libs/base", "libs/crypto", "libs/formats", "libs/store"},
       kOutsideWorld},
      {"services/orchestrator",
       {"libs/base", "libs/crypto", "libs/formats", "libs/objects", "libs/program", "libs/rpc", "libs/store",
        "services/orchestrator/domain"},
       {}},
      {"services/securitymodule/domain",
       {"libs/base", "libs/crypto", "libs/formats", "libs/merkle", "libs/tpm", "libs/tee", "libs/tee/sev",
        "libs/store"},
       kOutsideWorld},
      {"services/securitymodule",
       {"libs/base", "libs/crypto", "libs/merkle", "libs/tpm", "libs/tee", "libs/tee/sev", "libs/program",
        "libs/rpc", "libs/store", "services/securitymodule/domain"},
       {}},
      {"services/agent/sev", {"libs/base", "libs/crypto"}, {}},
      {"services/agent/domain", {"libs/base", "libs/crypto"}, kOutsideWorld},
      {"services/agent",
       {"libs/base", "libs/crypto", "libs/tpm", "libs/tee/sev", "libs/objects", "libs/program", "libs/rpc",
        "services/ultravisor/api", "services/agent/domain", "services/agent/sev"},
       {}},
      {"cli",
       {"libs/base", "libs/crypto", "libs/formats", "libs/merkle", "libs/rpc", "libs/tpm", "libs/tee",
        "libs/tee/sev", "guest/agent", "guest/image", "guest/image/manifest", "guest/image/owner",
        "services/agent/sev", "services/ultravisor/api"},
       {}},
  };
  return table;
}

const fs::path& root() {
  static const fs::path path{SEALIFT_SOURCE_DIR};
  return path;
}

/// The longest matching rule; null where there is none.
const Rule* rule_for(const std::string& file) {
  const Rule* best = nullptr;
  for (const auto& rule : rules()) {
    const bool matches = file.starts_with(rule.part + "/") || file.starts_with(rule.part + ".");
    if (matches && (best == nullptr || rule.part.size() > best->part.size())) best = &rule;
  }
  return best;
}

bool is_for_tests(const std::string& file) {
  return file.find("_test.") != std::string::npos || file.find("_for_test") != std::string::npos ||
         file.find("_test_") != std::string::npos;
}

std::string content_of(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Paths relative to the root, of all files below our parts with one of the endings.
std::vector<std::string> files(const std::set<std::string>& endings) {
  std::vector<std::string> found;
  for (const auto* top : {"libs", "guest", "emulator", "services", "cli"}) {
    if (!fs::exists(root() / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator{root() / top}) {
      const auto name = entry.path().filename().string();
      if (!entry.is_regular_file()) continue;
      if (endings.contains(entry.path().extension().string()) || endings.contains(name)) {
        found.push_back(fs::relative(entry.path(), root()).string());
      }
    }
  }
  std::ranges::sort(found);
  return found;
}

/// Where `include` lies in our tree; "" for a header that is not ours.
std::string ours(const std::string& include) {
  for (const auto* base : {"libs/", ""}) {
    const auto path = base + include;
    if (fs::exists(root() / path)) return path;
  }
  return {};
}

std::vector<std::string> includes_of(const std::string& file) {
  static const std::regex pattern{R"(^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"])", std::regex::multiline};
  const auto text = content_of(root() / file);
  std::vector<std::string> names;
  for (std::sregex_iterator match{text.begin(), text.end(), pattern}, end; match != end; ++match) {
    names.push_back((*match)[1]);
  }
  return names;
}

TEST(Layers, IncludeOnlyWhatTheArchitectureAllows) {
  int seen = 0;
  for (const auto& file : files({".h", ".cc", ".c"})) {
    const auto* const rule = rule_for(file);
    ASSERT_NE(rule, nullptr) << file << " belongs to no part: give it a rule";
    if (is_for_tests(file)) continue;
    for (const auto& include : includes_of(file)) {
      ++seen;
      for (const auto& never : rule->never) {
        EXPECT_FALSE(include.starts_with(never)) << file << " must not include " << include;
      }
      const auto path = ours(include);
      const auto* const other = path.empty() ? nullptr : rule_for(path);
      if (other == nullptr || other == rule) continue;
      EXPECT_TRUE(rule->may_use.contains(other->part)) << file << " must not use " << path;
    }
  }
  EXPECT_GT(seen, 100);
}

struct Target {
  std::string name;
  std::string folder;
  std::vector<std::string> depends;
  bool for_tests;
};

/// Every sealift_library and sealift_executable with its DEPENDS and LINKS.
std::vector<Target> targets() {
  static const std::regex call{R"(sealift_(library|executable)\(\s*([\w-]+)([^)]*)\))"};
  static const std::regex word{R"(sealift_[\w-]+)"};
  std::vector<Target> all;
  for (const auto& file : files({"CMakeLists.txt"})) {
    const auto text = content_of(root() / file);
    for (std::sregex_iterator match{text.begin(), text.end(), call}, end; match != end; ++match) {
      const std::string rest = (*match)[3];
      Target target{(*match)[2], fs::path{file}.parent_path().string(), {}, false};
      target.for_tests = target.name.find("test") != std::string::npos;
      for (std::sregex_iterator dep{rest.begin(), rest.end(), word}, none; dep != none; ++dep) {
        target.depends.push_back(dep->str());
      }
      all.push_back(std::move(target));
    }
  }
  return all;
}

TEST(Layers, LinkOnlyWhatTheArchitectureAllows) {
  const auto all = targets();
  std::map<std::string, std::string> folder_of;
  for (const auto& target : all) folder_of[target.name] = target.folder;
  ASSERT_GT(folder_of.size(), 5U);
  for (const auto& target : all) {
    if (target.for_tests) continue;
    // A service's targets share one CMakeLists.txt; its folder's own rule covers them all.
    const auto* const rule = rule_for(target.folder + "/CMakeLists.txt");
    ASSERT_NE(rule, nullptr) << target.folder;
    for (const auto& name : target.depends) {
      const auto found = folder_of.find(name);
      if (found == folder_of.end()) continue;
      EXPECT_EQ(name.find("test"), std::string::npos)
          << target.name << " links " << name << ", which is for tests";
      const auto* const other = rule_for(found->second + "/CMakeLists.txt");
      ASSERT_NE(other, nullptr) << name;
      if (other == rule) continue;
      const bool allowed = rule->may_use.contains(other->part) ||
                           std::ranges::any_of(rule->may_use, [&](const std::string& part) {
                             return part.starts_with(other->part + "/");
                           });
      EXPECT_TRUE(allowed) << target.name << " must not link " << name;
    }
  }
}

TEST(Layers, HaveNoCycle) {
  std::map<std::string, const Rule*> by_part;
  for (const auto& rule : rules()) by_part[rule.part] = &rule;
  for (const auto& rule : rules()) {
    std::set<std::string> reached;
    std::vector<std::string> open{rule.may_use.begin(), rule.may_use.end()};
    while (!open.empty()) {
      const auto part = open.back();
      open.pop_back();
      if (!reached.insert(part).second || !by_part.contains(part)) continue;
      open.insert(open.end(), by_part[part]->may_use.begin(), by_part[part]->may_use.end());
    }
    EXPECT_FALSE(reached.contains(rule.part)) << rule.part;
  }
}

}  // namespace
