// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/domain/decision.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sealift::securitymodule {
namespace {

using Json = nlohmann::json;

const TimePoint kTime{std::chrono::seconds{1780272000}};

Decision decision() {
  return {"request_authorization", {"acme", "spiffe://cloud/orchestrator", "77"}, "00ff", "000b", "made"};
}

TEST(DecisionText, IsOneObjectOnOneLine) {
  const auto line = text_of(decision(), nullptr, kTime);
  EXPECT_EQ(line.find('\n'), std::string::npos);
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

TEST(DecisionText, NamesWhatWasRevoked) {
  auto revoked = decision();
  revoked.subject = "host:000b";
  EXPECT_EQ(Json::parse(text_of(revoked, nullptr, kTime)).at("subject"), "host:000b");
}

TEST(DecisionText, SaysWhyItRefused) {
  const Error refusal{ErrorCode::certificate_revoked, "it was withdrawn", "chain[0]", "for us"};
  const auto line = Json::parse(text_of(decision(), &refusal, kTime));
  EXPECT_EQ(line.at("verdict"), "refused");
  EXPECT_EQ(line.at("code"), "certificate_revoked");
  EXPECT_EQ(line.at("field"), "chain[0]");
  EXPECT_EQ(line.at("message"), "it was withdrawn");
  EXPECT_FALSE(line.contains("detail"));
}

TEST(DecisionText, LetsNoTextEndALineOrMoveATerminal) {
  auto hostile = decision();
  hostile.asker.tenant = std::string{"a\"\\\n\r\x1b[2J\x7f\xc3\xa4\xff"} + '\0';
  const auto line = text_of(hostile, nullptr, kTime);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_TRUE(Json::accept(line));
}

TEST(DecisionText, CutsWhatIsTooLong) {
  auto endless = decision();
  endless.asker.tenant = std::string(1'000'000, '\n');
  EXPECT_LT(text_of(endless, nullptr, kTime).size(), 5000U);
}

}  // namespace
}  // namespace sealift::securitymodule
