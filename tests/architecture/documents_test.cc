// SPDX-License-Identifier: Apache-2.0
/// What the documents name must be there: files, folders, methods of the API, tests. Who renames one is told
/// where it is written about.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const fs::path kRoot{SEALIFT_SOURCE_DIR};

std::string content_of(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Paths relative to the root, folders too, without what is built or fetched.
std::vector<std::string> tree() {
  std::vector<std::string> found;
  for (fs::recursive_directory_iterator entry{kRoot}, end; entry != end; ++entry) {
    const auto name = entry->path().filename().string();
    if (name == "build" || name == ".git" || name == ".cache" || name == "node_modules") {
      entry.disable_recursion_pending();
      continue;
    }
    found.push_back(fs::relative(entry->path(), kRoot).string());
  }
  return found;
}

/// What a text can name.
struct Project {
  Names places;  ///< "libs/tee/opening.h", and every end of it: "tee/opening.h", "opening.h"
  Names tops;
  Names tests;     ///< "Suite.Name"
  Names programs;  ///< test programs and suites' files: "tee_tpm_test"
  Names methods;   ///< "LaunchService.GetQuote"

  static const Project& get() {
    static const Project one;
    return one;
  }

 private:
  Project() {
    for (const auto& path : tree()) {
      tops.insert(path.substr(0, path.find('/')));
      for (std::size_t at = 0; at != std::string::npos; at = path.find('/', at)) {
        if (at != 0) ++at;
        places.insert(path.substr(at));
      }
      const auto file = fs::path{path}.filename().string();
      if (file.ends_with(".cc")) read_tests(path);
      if (file == "CMakeLists.txt") read_programs(path);
      if (file.ends_with(".proto")) read_methods(path);
    }
  }
  void read_tests(const std::string& path) {
    static const std::regex test{R"(TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))"};
    const auto text = "\n" + content_of(kRoot / path);
    for (auto at = text.find("\nTEST"); at != std::string::npos; at = text.find("\nTEST", at + 1)) {
      const auto head = text.substr(at + 1, text.find('{', at) - at);
      std::smatch match;
      if (std::regex_search(head, match, test)) tests.insert(match[1].str() + "." + match[2].str());
    }
    if (path.ends_with("_test.cc")) programs.insert(fs::path{path}.stem().string());
  }
  void read_programs(const std::string& path) {
    static const std::regex word{R"(\b\w+_test\b)"};
    const auto text = content_of(kRoot / path);
    for (std::sregex_iterator match{text.begin(), text.end(), word}, end; match != end; ++match) {
      programs.insert(match->str());
    }
  }
  void read_methods(const std::string& path) {
    static const std::regex line{R"(\bservice (\w+)|\brpc (\w+))"};
    const auto text = content_of(kRoot / path);
    std::string service;
    for (std::sregex_iterator match{text.begin(), text.end(), line}, end; match != end; ++match) {
      if ((*match)[1].matched) service = (*match)[1];
      if ((*match)[2].matched) methods.insert(service + "." + (*match)[2].str());
    }
  }
};

std::vector<fs::path> documents() {
  std::vector<fs::path> found{kRoot / "README.md", kRoot / "ARCHITECTURE.md", kRoot / "THREAT_MODEL.md",
                              kRoot / "CONTRIBUTING.md"};
  for (const auto* folder : {"docs", "docs/adr", "docs/formats"}) {
    for (const auto& entry : fs::directory_iterator{kRoot / folder}) {
      if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
  }
  return found;
}

/// The document's words, with the line each stands in, without what is typed in fenced blocks.
struct Word {
  std::string text;
  std::string where;
};
std::vector<Word> words_of(const fs::path& document) {
  static const std::regex word{R"([^\s`|(),;\[\]"<>]+)"};
  std::vector<Word> words;
  std::ifstream lines{document};
  bool fenced = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with("```")) fenced = !fenced;
    if (fenced) continue;
    const auto where = fmt::format("{}:{}", fs::relative(document, kRoot).string(), number);
    for (std::sregex_iterator match{line.begin(), line.end(), word}, end; match != end; ++match) {
      auto text = match->str();
      while (!text.empty() && (text.back() == '.' || text.back() == ':')) text.pop_back();
      words.push_back({text, where});
    }
  }
  return words;
}

/// Fails for each word that `pattern` matches and `is_there` does not know.
template <typename IsThere>
void expect_there(const std::regex& pattern, int at_least, IsThere is_there) {
  int seen = 0;
  for (const auto& document : documents()) {
    for (const auto& [word, where] : words_of(document)) {
      std::smatch match;
      if (!std::regex_match(word, match, pattern)) continue;
      ++seen;
      EXPECT_TRUE(is_there(match)) << where << " names " << word << ", which is not there";
    }
  }
  EXPECT_GE(seen, at_least);
}

TEST(Documents, NameSourceFilesThatExist) {
  static const std::regex file{R"([\w.-]+(?:/[\w.-]+)*\.(?:cc|h|proto|def))"};
  expect_there(file, 50, [](const std::smatch& match) {
    return match.str() == "x_test.cc" ||
           Project::get().places.contains(match.str());  // x stands for any name
  });
}

TEST(Documents, NameFoldersThatExist) {
  static const std::regex folder{R"(([\w-]+)/[\w./-]*)"};
  expect_there(folder, 30, [](const std::smatch& match) {
    if (!Project::get().tops.contains(match[1].str()))
      return true;  // none of ours: an option, a path elsewhere
    auto path = match.str();
    if (path.ends_with('/')) path.pop_back();
    const auto& places = Project::get().places;
    // "docs/adr/0005" stands for the whole name.
    const auto found = places.lower_bound(path);
    return found != places.end() && (*found == path || found->starts_with(path + "-"));
  });
}

TEST(Documents, NameTestsThatExist) {
  static const std::regex test{R"(([A-Z]\w*)\.([A-Z]\w*|\*))"};
  expect_there(test, 25, [](const std::smatch& match) {
    const auto& tests = Project::get().tests;
    if (match[1].str().ends_with("Service")) return Project::get().methods.contains(match.str());
    if (match[2] != "*") return tests.contains(match.str());
    const auto found = tests.lower_bound(match[1].str() + ".");
    return found != tests.end() && found->starts_with(match[1].str() + ".");
  });
}

TEST(Documents, NameTestsThatExistAlsoWhereTheyShortenTheName) {
  static const std::regex test{"\xe2\x80\xa6([A-Z]\\w+)"};
  expect_there(test, 3, [](const std::smatch& match) {
    return std::ranges::any_of(Project::get().tests, [&](const std::string& name) {
      return name.find(match[1].str()) != name.npos;
    });
  });
}

TEST(Documents, NameTestProgramsThatExist) {
  static const std::regex program{R"(\w+_test)"};
  expect_there(program, 3,
               [](const std::smatch& match) { return Project::get().programs.contains(match.str()); });
}

}  // namespace
