// SPDX-License-Identifier: Apache-2.0
#include "proto/openapi/openapi.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace sealift::openapi {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kRoot{SEALIFT_SOURCE_DIR};

std::string content_of(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string made() { return document(content_of(SEALIFT_DESCRIPTOR_SET)); }

TEST(OpenApi, IsTheOneInTheDocumentation) {
  EXPECT_TRUE(content_of(kRoot / "docs/openapi.json") == made())
      << "docs/openapi.json is stale: run ninja -C build/dev openapi";
}

void collect_references(const Json& json, std::vector<std::string>& references) {
  if (json.is_object() && json.contains("$ref")) references.push_back(json["$ref"]);
  if (json.is_structured()) {
    for (const auto& each : json) collect_references(each, references);
  }
}

TEST(OpenApi, RefersToNothingThatIsMissing) {
  const auto all = Json::parse(made());
  std::vector<std::string> references;
  collect_references(all, references);
  EXPECT_GT(references.size(), 50U);
  for (const auto& reference : references) {
    EXPECT_TRUE(all.contains(Json::json_pointer{reference.substr(1)})) << reference;
  }
}

TEST(OpenApi, HasEveryMethodOnce) {
  const auto all = Json::parse(made());
  std::size_t methods = 0;
  for (const auto& entry : fs::directory_iterator{kRoot / "proto/sealift/v1"}) {
    std::ifstream in{entry.path()};
    for (std::string line; std::getline(in, line);) methods += line.starts_with("  rpc ") ? 1U : 0U;
  }
  EXPECT_EQ(all["paths"].size(), methods);
  std::set<std::string> operations;
  for (const auto& path : all["paths"]) {
    for (const auto& operation : path) EXPECT_TRUE(operations.insert(operation["operationId"]).second);
  }
}

TEST(OpenApi, IsEmptyForWhatIsNoDescriptorSet) { EXPECT_EQ(document("no such thing"), ""); }

}  // namespace
}  // namespace sealift::openapi
