// SPDX-License-Identifier: Apache-2.0
#include "tee/enrolled_host.h"

#include "tee/enrolment_json.h"
#include "tee/platform_certificate.h"

namespace sealift::tee {
namespace {

constexpr std::string_view kFormat = "sealift.enrolled-host.v1";
constexpr std::string_view kBackend = "measured";

}  // namespace

std::optional<std::string> EnrolmentSubject::platform_issuer() const {
  if (platform_certificate.empty()) return std::nullopt;
  return platform_certificate_issuer(platform_certificate, ek_certificate).value();
}

Result<EnrolledHost> EnrolledHost::make(EnrolmentSubject subject, std::int64_t enrolled_at) {
  SEALIFT_TRY(auto storage_key, tpm::StorageKey::prepare(subject.key.key()));
  return EnrolledHost{std::move(subject), std::move(storage_key), enrolled_at};
}

std::string EnrolledHost::to_json() const {
  JsonMembers members{{"format", json_string(kFormat)},
                      {"backend", json_string(kBackend)},
                      {"enrolled_at", std::to_string(enrolled_at_)}};
  append_subject(subject_, members);
  return write_json(members);
}

Result<EnrolledHost> EnrolledHost::from_json(std::string_view text) {
  SEALIFT_TRY(auto json, json::Object::parse(as_bytes(text), "the enrolled host", kEnrolmentLimits));
  SEALIFT_CHECK(json.take_format(kFormat));
  SEALIFT_TRY(const auto backend, json.take_text("backend"));
  if (backend != kBackend) return json.refuse("backend", "is not \"measured\"");
  SEALIFT_TRY(const auto enrolled_at, json.take_seconds("enrolled_at"));
  SEALIFT_TRY(auto subject, take_subject(json));
  SEALIFT_CHECK(json.expect_end());
  return make(std::move(subject), enrolled_at);
}

}  // namespace sealift::tee
