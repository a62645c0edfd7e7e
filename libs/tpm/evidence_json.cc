// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "tpm/evidence.h"

namespace sealift::tpm {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "sealift.evidence.v1";
constexpr const char* kPlatformCertificate = "platform_certificate";
constexpr std::size_t kCertificatesLimit = 8;
constexpr std::size_t kProfileNameLimit = 32;
constexpr int kDepthLimit = 2;

tl::unexpected<Error> fail_member(std::string_view member, std::string_view why) {
  return fail(ErrorCode::malformed, fmt::format("the evidence's \"{}\" {}", member, why),
              std::string{member});
}

/// Refuses, while parsing, what a document of ours never has: deep nesting, a member twice.
class StrictParse {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kDepthLimit) acceptable_ = false;
    if (event == Json::parse_event_t::key && depth == 1) {
      acceptable_ = acceptable_ && !std::ranges::count(seen_, parsed.get_ref<const std::string&>());
      seen_.push_back(parsed.get<std::string>());
    }
    return acceptable_;
  }
  bool acceptable() const noexcept { return acceptable_; }

 private:
  bool acceptable_ = true;
  std::vector<std::string> seen_;
};

Result<Json> parse_object(ByteView text) {
  if (text.size() > kEvidenceSizeLimit)
    return fail(ErrorCode::too_large, "the evidence is larger than 128 KiB");
  StrictParse strict;
  auto document = Json::parse(text.begin(), text.end(), std::ref(strict), false);
  if (document.is_discarded() || !strict.acceptable() || !document.is_object()) {
    return fail(ErrorCode::malformed, "the evidence is not one JSON object with each member once");
  }
  return document;
}

/// The string at `member`, taken out of the document.
Result<std::string> take_string(Json& document, const char* member) {
  const auto found = document.find(member);
  if (found == document.end()) return fail_member(member, "is missing");
  if (!found->is_string()) return fail_member(member, "is not a string");
  auto text = found->get<std::string>();
  document.erase(found);
  return text;
}

Result<Bytes> decode(const std::string& text, const char* member) {
  auto bytes = crypto::from_base64(text);
  if (!bytes || bytes->empty()) return fail_member(member, "is not base64");
  return bytes;
}

Result<Public> take_public(Json& document, const char* member) {
  SEALIFT_TRY(const auto text, take_string(document, member));
  SEALIFT_TRY(const auto tpm2b, decode(text, member));
  auto area = Public::parse(tpm2b);
  if (area) return area;
  auto error = std::move(area).error();
  error.message = fmt::format("the evidence's \"{}\": {}", member, error.message);
  error.field = member;
  return tl::unexpected(std::move(error));
}

Result<std::vector<Bytes>> take_certificates(Json& document) {
  constexpr auto* kMember = "ek_certificates";
  const auto found = document.find(kMember);
  if (found == document.end()) return fail_member(kMember, "is missing");
  if (!found->is_array() || found->empty() || found->size() > kCertificatesLimit) {
    return fail_member(kMember, "is not an array of 1 to 8 certificates");
  }
  std::vector<Bytes> certificates;
  for (const auto& entry : *found) {
    if (!entry.is_string()) return fail_member(kMember, "holds something else than a string");
    SEALIFT_TRY(auto certificate, decode(entry.get_ref<const std::string&>(), kMember));
    certificates.push_back(std::move(certificate));
  }
  document.erase(found);
  return certificates;
}

}  // namespace

std::string to_json(const Evidence& evidence) {
  auto certificates = Json::array();
  for (const auto& certificate : evidence.ek_certificates)
    certificates.push_back(crypto::to_base64(certificate));
  nlohmann::ordered_json document{
      {"format", kFormat},
      {"profile", evidence.profile},
      {"ek_certificates", std::move(certificates)},
      {"endorsement_key", crypto::to_base64(evidence.endorsement_key.tpm2b())},
      {"storage_key", crypto::to_base64(evidence.storage_key.tpm2b())},
  };
  if (!evidence.platform_certificate.empty())
    document[kPlatformCertificate] = crypto::to_base64(evidence.platform_certificate);
  return document.dump(2) + "\n";
}

Result<Evidence> parse_evidence(ByteView json) {
  SEALIFT_TRY(auto document, parse_object(json));
  SEALIFT_TRY(const auto format, take_string(document, "format"));
  if (format != kFormat) return fail_member("format", "is not \"sealift.evidence.v1\"");
  SEALIFT_TRY(auto profile, take_string(document, "profile"));
  if (profile.empty() || profile.size() > kProfileNameLimit)
    return fail_member("profile", "is not a profile's name");
  SEALIFT_TRY(auto certificates, take_certificates(document));
  SEALIFT_TRY(auto endorsement_key, take_public(document, "endorsement_key"));
  SEALIFT_TRY(auto storage_key, take_public(document, "storage_key"));
  Bytes platform_certificate;
  if (document.contains(kPlatformCertificate)) {
    SEALIFT_TRY(const auto text, take_string(document, kPlatformCertificate));
    SEALIFT_TRY(platform_certificate, decode(text, kPlatformCertificate));
  }
  if (!document.empty()) return fail_member(document.begin().key(), "is not a member of evidence");
  return Evidence{std::move(profile), std::move(certificates), std::move(endorsement_key),
                  std::move(storage_key), std::move(platform_certificate)};
}

}  // namespace sealift::tpm
