// SPDX-License-Identifier: Apache-2.0
#include "tee/insertion_proof.h"

#include <fmt/core.h>

#include <algorithm>

#include "crypto/random.h"
#include "tee/platform.h"

namespace sealift::tee {
namespace {

constexpr std::size_t kActivationSecretSize = 32;

tl::unexpected<Error> other_proof(std::string_view expected, std::string_view shown) {
  return fail(
      ErrorCode::failed_precondition,
      fmt::format("your security module is trusted by {}, and what answers shows {}", expected, shown),
      "proof");
}

Status check_usage(const crypto::Certificate& certificate) {
  const auto usages = certificate.extended_key_usage();
  if (std::ranges::find(usages, kInsertionUsage) == usages.end() || usages.size() != 1)
    return fail(
        ErrorCode::certificate_usage_refused,
        fmt::format("the certificate is not made for an insertion key: its extended key usage is not {}",
                    kInsertionUsage),
        "extendedKeyUsage");
  if (certificate.is_ca())
    return fail(ErrorCode::certificate_usage_refused, "the insertion key's certificate is a CA's",
                "basicConstraints");
  if (!certificate.may_encrypt())
    return fail(ErrorCode::certificate_usage_refused, "the certificate's key is not for key agreement",
                "keyUsage");
  return {};
}

Status check_certificate(const crypto::TrustedRoots& roots, const std::vector<Bytes>& shown,
                         const crypto::PublicKey& key, TimePoint now) {
  if (shown.empty() || shown.size() > 1 + crypto::kExtraIntermediates)
    return fail(ErrorCode::malformed, "the insertion key comes with no certificates, or too many",
                "certificates");
  std::vector<crypto::Certificate> certificates;
  for (const auto& der : shown) {
    SEALIFT_TRY(auto certificate, crypto::Certificate::parse(der));
    certificates.push_back(std::move(certificate));
  }
  SEALIFT_CHECK(crypto::verify_chain(certificates[0], roots, now, std::span{certificates}.subspan(1)));
  SEALIFT_CHECK(check_usage(certificates[0]));
  SEALIFT_TRY(const auto certified, certificates[0].public_key());
  if (certified == key) return {};
  return fail(ErrorCode::authentication_failed, "the certificate is about another key than the insertion key",
              "insertion_key");
}

Result<InsertionSent> insert_into_state(const crypto::TrustedRoots& roots, const tpm::PcrValues& state,
                                        const InsertionTerms& terms, const tpm::StateProof& proof,
                                        const crypto::PublicKey& key, ByteView payload, TimePoint now) {
  SEALIFT_TRY(const auto platform,
              VerifiedPlatform::verify({proof.ek_certificates, proof.endorsement_key}, roots, now));
  SEALIFT_CHECK(tpm::verify_quote(proof.attestation_key, proof.quote, terms.digest().view(), state));
  const auto secret = crypto::random_secret<kActivationSecretSize>();
  SEALIFT_TRY(const auto credential,
              tpm::make_credential(platform.ek(), proof.attestation_key.name(), secret.expose()));
  return seal_insertion(terms, key, secret.expose(), tpm::credential_file(credential), payload);
}

}  // namespace

Result<InsertionSent> insert_into(const InsertionTrust& trust, const InsertionTerms& terms,
                                  const InsertionProof& proof, ByteView payload, TimePoint now) {
  constexpr std::size_t kMaxTerm = 1024;
  if (std::max({terms.tenant.size(), terms.image_id.size(), terms.method.size(), terms.insertion_id.size(),
                terms.nonce.size(), terms.insertion_key.size()}) > kMaxTerm)
    return fail(ErrorCode::malformed, "the terms of the insertion are too long", "terms");
  const auto key = crypto::PublicKey::parse(terms.insertion_key);
  if (!key) return fail(ErrorCode::malformed, "the insertion key cannot be read", "insertion_key");
  if (trust.state.has_value() != proof.state.has_value())
    return trust.state ? other_proof("the state of its machine", "none")
                       : other_proof("a certificate for its key", "a machine's state");
  if (trust.state)
    return insert_into_state(trust.roots, *trust.state, terms, *proof.state, *key, payload, now);
  SEALIFT_CHECK(check_certificate(trust.roots, proof.certificates, *key, now));
  return seal_insertion(terms, *key, {}, {}, payload);
}

crypto::CertificateDraft insertion_certificate_draft(const crypto::PublicKey& key, const std::string& name,
                                                     crypto::Validity validity) {
  crypto::CertificateDraft draft;
  draft.subject = {{"CN", name}};
  draft.validity = validity;
  draft.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                      {"keyUsage", "critical,keyAgreement"},
                      {"extendedKeyUsage", std::string{kInsertionUsage}},
                      {"authorityKeyIdentifier", "keyid"}};
  draft.public_key_info = key.der();
  return draft;
}

}  // namespace sealift::tee
