// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/decision_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sealift::securitymodule {
namespace {

using Json = nlohmann::json;

const TimePoint kTime{std::chrono::seconds{1780272000}};

Decision decision() {
  return {"request_authorization", {"acme", "spiffe://cloud/orchestrator", "77"}, "00ff", "000b", "made"};
}

TEST(DecisionLogTest, WritesOneObjectToALine) {
  const auto line = line_of(decision(), nullptr, kTime);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const Json expected{{"time", "2026-06-01T00:00:00Z"},
                      {"action", "request_authorization"},
                      {"asker", "spiffe://cloud/orchestrator"},
                      {"tenant", "acme"},
                      {"image", "00ff"},
                      {"host", "000b"},
                      {"verdict", "made"},
                      {"trace", "77"}};
  EXPECT_EQ(Json::parse(line), expected);
}

TEST(DecisionLogTest, SaysWhyItRefused) {
  const Error refusal{ErrorCode::certificate_revoked, "it was withdrawn", "chain[0]", "for us"};
  const auto line = Json::parse(line_of(decision(), &refusal, kTime));
  EXPECT_EQ(line.at("verdict"), "refused");
  EXPECT_EQ(line.at("code"), "certificate_revoked");
  EXPECT_EQ(line.at("field"), "chain[0]");
  EXPECT_EQ(line.at("message"), "it was withdrawn");
  EXPECT_EQ(line.at("detail"), "for us");
}

TEST(DecisionLogTest, LetsNoTextEndALineOrMoveATerminal) {
  auto hostile = decision();
  hostile.asker.tenant = std::string{"a\"\\\n\r\x1b[2J\x7f\xc3\xa4\xff"} + '\0';
  const auto line = line_of(hostile, nullptr, kTime);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  for (const char c : line.substr(0, line.size() - 1)) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_TRUE(Json::accept(line));
}

TEST(DecisionLogTest, CutsWhatIsTooLong) {
  auto endless = decision();
  endless.asker.tenant = std::string(1'000'000, '\n');
  EXPECT_LT(line_of(endless, nullptr, kTime).size(), 5000U);
}

}  // namespace
}  // namespace sealift::securitymodule
