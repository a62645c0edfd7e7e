// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/documents.h"

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "json/object.h"

namespace sealift::sev {
namespace {

constexpr std::string_view kEvidenceFormat = "sealift.sev-evidence.v1";
constexpr std::string_view kLaunchFormat = "sealift.sev-launch.v1";

/// Each certificate and its member's name.
constexpr std::pair<const char*, Bytes Evidence::*> kCertificates[]{
    {"pdh", &Evidence::pdh}, {"pek", &Evidence::pek}, {"oca", &Evidence::oca},
    {"cek", &Evidence::cek}, {"ask", &Evidence::ask}, {"ark", &Evidence::ark},
};

Result<std::uint8_t> take_byte(json::Object& document, const char* member) {
  SEALIFT_TRY(const auto number, document.take_number(member, 0, UINT8_MAX));
  return static_cast<std::uint8_t>(number);
}

}  // namespace

std::string to_json(const Evidence& evidence) {
  nlohmann::ordered_json document{{"format", kEvidenceFormat},
                                  {"api_major", evidence.firmware.api.major},
                                  {"api_minor", evidence.firmware.api.minor},
                                  {"build", evidence.firmware.build}};
  for (const auto& [name, certificate] : kCertificates) {
    document[name] = crypto::to_base64(evidence.*certificate);
  }
  return document.dump(2) + "\n";
}

Result<Evidence> parse_evidence(ByteView text) {
  SEALIFT_TRY(auto document, json::Object::parse(text, "the evidence", {.size = kEvidenceLimit}));
  SEALIFT_CHECK(document.take_format(kEvidenceFormat));
  Evidence evidence;
  SEALIFT_TRY(evidence.firmware.api.major, take_byte(document, "api_major"));
  SEALIFT_TRY(evidence.firmware.api.minor, take_byte(document, "api_minor"));
  SEALIFT_TRY(evidence.firmware.build, take_byte(document, "build"));
  for (const auto& [name, certificate] : kCertificates) {
    SEALIFT_TRY(evidence.*certificate, document.take_base64(name));
  }
  SEALIFT_CHECK(document.expect_end());
  return evidence;
}

std::string to_json(const LaunchRequest& request) {
  const nlohmann::ordered_json document{{"format", kLaunchFormat},
                                        {"policy", request.policy.value()},
                                        {"godh", crypto::to_base64(request.godh)},
                                        {"session", crypto::to_base64(request.session)}};
  return document.dump(2) + "\n";
}

Result<LaunchRequest> parse_launch_request(ByteView text) {
  SEALIFT_TRY(auto document, json::Object::parse(text, "the launch", {.size = kLaunchRequestLimit}));
  SEALIFT_CHECK(document.take_format(kLaunchFormat));
  SEALIFT_TRY(const auto policy, document.take_number("policy", 0, UINT32_MAX));
  SEALIFT_TRY(auto godh, document.take_base64("godh"));
  SEALIFT_TRY(auto session, document.take_base64("session"));
  SEALIFT_CHECK(document.expect_end());
  if (session.size() != kSessionSize) return document.refuse("session", "is not a launch session");
  return LaunchRequest{Policy{static_cast<std::uint32_t>(policy)}, std::move(godh), std::move(session)};
}

}  // namespace sealift::sev
