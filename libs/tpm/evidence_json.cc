// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "json/object.h"
#include "tpm/evidence.h"

namespace sealift::tpm {
namespace {

constexpr std::string_view kFormat = "sealift.evidence.v1";
constexpr const char* kPlatformCertificate = "platform_certificate";
constexpr std::size_t kCertificatesLimit = 8;
constexpr std::size_t kProfileNameLimit = 32;
/// The object, the list in it, and one more, so that a refusal can name the member.
constexpr json::Limits kLimits{.size = kEvidenceSizeLimit, .depth = 3};

Result<Public> take_public(json::Object& document, const char* member) {
  SEALIFT_TRY(const auto tpm2b, document.take_base64(member));
  auto area = Public::parse(tpm2b);
  if (area) return area;
  auto error = std::move(area).error();
  error.message = fmt::format("the evidence's \"{}\": {}", member, error.message);
  error.field = member;
  return tl::unexpected(std::move(error));
}

Result<std::vector<Bytes>> take_certificates(json::Object& document) {
  constexpr auto* kMember = "ek_certificates";
  SEALIFT_TRY(const auto texts, document.take_texts(kMember, 1, kCertificatesLimit));
  std::vector<Bytes> certificates;
  for (const auto& text : texts) {
    auto certificate = crypto::from_base64(text);
    if (!certificate || certificate->empty()) return document.refuse(kMember, "is not base64");
    certificates.push_back(*std::move(certificate));
  }
  return certificates;
}

}  // namespace

std::string to_json(const Evidence& evidence) {
  auto certificates = nlohmann::json::array();
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

Result<Evidence> parse_evidence(ByteView text) {
  SEALIFT_TRY(auto document, json::Object::parse(text, "the evidence", kLimits));
  SEALIFT_CHECK(document.take_format(kFormat));
  SEALIFT_TRY(auto profile, document.take_text("profile"));
  if (profile.empty() || profile.size() > kProfileNameLimit)
    return document.refuse("profile", "is not a profile's name");
  SEALIFT_TRY(auto certificates, take_certificates(document));
  SEALIFT_TRY(auto endorsement_key, take_public(document, "endorsement_key"));
  SEALIFT_TRY(auto storage_key, take_public(document, "storage_key"));
  Bytes platform_certificate;
  if (document.has(kPlatformCertificate)) {
    SEALIFT_TRY(platform_certificate, document.take_base64(kPlatformCertificate));
  }
  SEALIFT_CHECK(document.expect_end());
  return Evidence{std::move(profile), std::move(certificates), std::move(endorsement_key),
                  std::move(storage_key), std::move(platform_certificate)};
}

}  // namespace sealift::tpm
