// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/chain.h"

#include <fmt/core.h>

#include <algorithm>

namespace sealift::sev {
namespace {

std::string field(Usage usage, std::string_view part) {
  return fmt::format("{}.{}", field_name(usage), part);
}

bool can_agree(Algorithm algorithm) {
  return algorithm == Algorithm::ecdh_sha256 || algorithm == Algorithm::ecdh_sha384;
}

Result<Certificate> parse_as(Usage usage, ByteView bytes) {
  SEALIFT_TRY(auto certificate, Certificate::parse(bytes, field_name(usage)));
  if (certificate.usage() != usage) {
    return fail(ErrorCode::sev_certificate_usage_differs,
                fmt::format("the certificate given as {} is for {}", name(usage), name(certificate.usage())),
                field(usage, "usage"));
  }
  if (can_agree(certificate.algorithm()) != (usage == Usage::pdh)) {
    return fail(ErrorCode::unsupported,
                fmt::format("the {}'s algorithm {:#x} is not one for its use", name(usage),
                            static_cast<std::uint32_t>(certificate.algorithm())),
                field(usage, "algorithm"));
  }
  return certificate;
}

Result<std::string> pinned_name(const AmdCertificate& ark, std::span<const PinnedRoot> roots) {
  const auto fingerprint = ark.fingerprint();
  const auto found = std::ranges::find(roots, fingerprint, &PinnedRoot::fingerprint);
  if (found != roots.end()) return found->name;
  return fail(ErrorCode::issuer_untrusted,
              fmt::format("the ARK's public key {} is none of the trusted roots, whatever its key ID says",
                          to_hex(fingerprint.view())),
              field(Usage::ark, "key"));
}

Status check_ask(const AmdCertificate& ask, const AmdCertificate& ark) {
  if (ask.certifying_id() != ark.id()) {
    return fail(ErrorCode::certificate_signature_invalid,
                "the ASK names another ARK as its signer: they are of different generations",
                field(Usage::ask, "signature"));
  }
  return ask.verify_signature(ark.key());
}

Status check_cek(const Certificate& cek, const AmdCertificate& ask, const std::string& root) {
  if (!cek.names_signer(Usage::ask)) {
    return fail(ErrorCode::sev_cek_unsigned, "the CEK has no signature by AMD's ASK",
                field(Usage::cek, "signature"));
  }
  auto status = cek.verify_signature(Usage::ask, ask.key(), field_name(Usage::cek));
  if (status) return status;
  status.error().message +=
      fmt::format("; the ASK is {}'s: is this chip of another generation, or was the CEK altered?", root);
  return status;
}

crypto::Digest key_hash(const Certificate& certificate) {
  return crypto::digest(crypto::HashAlgorithm::sha256, certificate.key().der());
}

}  // namespace

Result<VerifiedPlatform> VerifiedPlatform::verify(const PlatformCertificates& certificates,
                                                  std::span<const PinnedRoot> roots) {
  SEALIFT_TRY(const auto ark, AmdCertificate::parse(certificates.ark, Usage::ark));
  SEALIFT_TRY(const auto ask, AmdCertificate::parse(certificates.ask, Usage::ask));
  SEALIFT_TRY(const auto cek, parse_as(Usage::cek, certificates.cek));
  SEALIFT_TRY(const auto oca, parse_as(Usage::oca, certificates.oca));
  SEALIFT_TRY(const auto pek, parse_as(Usage::pek, certificates.pek));
  SEALIFT_TRY(auto pdh, parse_as(Usage::pdh, certificates.pdh));

  SEALIFT_TRY(auto root, pinned_name(ark, roots));
  SEALIFT_CHECK(ark.verify_signature(ark.key()));
  SEALIFT_CHECK(check_ask(ask, ark));
  SEALIFT_CHECK(check_cek(cek, ask, root));
  SEALIFT_CHECK(oca.verify_signature(Usage::oca, oca.key(), field_name(Usage::oca)));
  SEALIFT_CHECK(pek.verify_signature(Usage::oca, oca.key(), field_name(Usage::pek)));
  SEALIFT_CHECK(pek.verify_signature(Usage::cek, cek.key(), field_name(Usage::pek)));
  SEALIFT_CHECK(pdh.verify_signature(Usage::pek, pek.key(), field_name(Usage::pdh)));
  return VerifiedPlatform{std::move(pdh), key_hash(cek), key_hash(oca), std::move(root), pek.api()};
}

}  // namespace sealift::sev
