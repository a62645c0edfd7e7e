// SPDX-License-Identifier: Apache-2.0
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/certificates/test_pki.h"

namespace sealift::test_pki {
namespace {

Exhibit leaf(std::string name, ErrorCode code, std::string field, const CertificateDraft& draft) {
  return {std::move(name), code, std::move(field), issue(draft).der(), pki().trust()};
}

CertificateDraft good_draft() { return ek_draft(pki().ek.public_key()); }

CertificateDraft draft_with(const std::string& extension, const std::string& value) {
  auto draft = good_draft();
  set_extension(draft, extension, value);
  return draft;
}

CertificateDraft draft_hashed_with(const char* hash) {
  auto draft = good_draft();
  draft.hash = hash;
  return draft;
}

/// An issuer with a fault, below the root, and a good EK certificate from it.
struct Branch {
  PrivateKey key = ec_key();
  CertificateDraft draft;

  Branch() {
    draft.subject = {{"CN", "Odd Intermediate CA"}};
    draft.validity = kCurrent;
    draft.extensions = {{"basicConstraints", "critical,CA:TRUE"},
                        {"keyUsage", "critical,keyCertSign,cRLSign"},
                        {"subjectKeyIdentifier", "hash"},
                        {"authorityKeyIdentifier", "keyid"}};
    draft.public_key_info = key.public_key().der();
  }

  Exhibit exhibit(std::string name, ErrorCode code, std::string field) const {
    const auto issuer = pki().root.sign(draft).value();
    const auto certificate = crypto::sign_certificate(good_draft(), &issuer, key).value();
    auto trust = pki().trust();
    trust.crl_policy = crypto::CrlPolicy::where_given;
    trust.intermediates = {issuer};
    return {std::move(name), code, std::move(field), certificate.der(), std::move(trust)};
  }
};

Exhibit faulty_issuer(std::string name, ErrorCode code, std::string field,
                      const std::function<void(CertificateDraft&)>& fault) {
  Branch branch;
  fault(branch.draft);
  return branch.exhibit(std::move(name), code, std::move(field));
}

Exhibit with_trust(std::string name, ErrorCode code, std::string field,
                   const std::function<void(TrustInput&)>& change) {
  Exhibit exhibit{std::move(name), code, std::move(field), pki().ek_certificate.der(), pki().trust()};
  change(exhibit.trust);
  return exhibit;
}

CertificateAuthority other_root(const std::string& name = "Other Root CA") {
  return CertificateAuthority::create_root(ec_key(), name, kCurrent).value();
}

Exhibit altered(std::string name, std::string_view from, std::string_view to) {
  auto der = pki().ek_certificate.der();
  replace_once(der, as_bytes(from), as_bytes(to));
  return {std::move(name), ErrorCode::certificate_signature_invalid, "chain[0]", std::move(der),
          pki().trust()};
}

/// A certificate of an issuer that has the intermediate's name, but is another.
Exhibit impostor(std::string name, ErrorCode code, bool names_its_key) {
  const auto fake = other_root("Test TPM Intermediate CA");
  auto draft = good_draft();
  if (!names_its_key) set_extension(draft, "authorityKeyIdentifier", "");
  return {std::move(name), code, "chain[0]", fake.sign(draft).value().der(), pki().trust()};
}

Exhibit self_signed() {
  const auto key = ec_key();
  auto draft = ek_draft(key.public_key());
  draft.subject = {{"CN", "I vouch for myself"}};
  set_extension(draft, "authorityKeyIdentifier", "");
  return {"SelfSigned", ErrorCode::issuer_untrusted, "chain[0]",
          crypto::sign_certificate(draft, nullptr, key).value().der(), pki().trust()};
}

/// An EK certificate used as if it were a CA's.
Exhibit issued_by_an_ek() {
  const auto ca_key = ec_key();
  const auto middle = issue(ek_draft(ca_key.public_key()));
  auto trust = pki().trust();
  trust.intermediates.push_back(middle);
  auto draft = good_draft();
  set_extension(draft, "authorityKeyIdentifier", "");
  return {"IssuedByAnEk", ErrorCode::certificate_usage_refused, "basicConstraints",
          crypto::sign_certificate(draft, &middle, ca_key).value().der(), std::move(trust)};
}

Exhibit path_too_long() {
  const auto below = pki().intermediate.create_intermediate(ec_key(), "CA too many", kCurrent).value();
  auto trust = pki().trust();
  trust.crl_policy = crypto::CrlPolicy::where_given;
  trust.intermediates.push_back(below.certificate());
  return {
      "PathLengthExceeded", ErrorCode::certificate_usage_refused, "pathLenConstraint",
      below.issue_ek_certificate(pki().ek.public_key(), {.serial = {}, .validity = kCurrent}).value().der(),
      std::move(trust)};
}

Exhibit altered_intermediate() {
  auto trust = pki().trust();
  auto der = pki().intermediate.certificate().der();
  // In the signature, and still a well-formed one: the last byte of its second number.
  der.back() ^= 1;
  trust.intermediates = {Certificate::parse(der).value()};
  return {"AlteredIntermediate", ErrorCode::certificate_signature_invalid, "chain[1]",
          pki().ek_certificate.der(), std::move(trust)};
}

Exhibit expired_root() {
  const auto root = CertificateAuthority::create_root(ec_key(), "Old Root CA", kPast).value();
  auto trust = pki().trust();
  trust.roots = {root.certificate()};
  trust.crl_policy = crypto::CrlPolicy::where_given;
  return {
      "ExpiredRoot", ErrorCode::certificate_expired, "chain[1]",
      root.issue_ek_certificate(pki().ek.public_key(), {.serial = {}, .validity = kCurrent}).value().der(),
      std::move(trust)};
}

void append_issuer_exhibits(std::vector<Exhibit>& out) {
  const auto intermediate = pki().intermediate.certificate().subject();
  auto missing = with_trust("MissingIntermediate", ErrorCode::issuer_missing, "chain[0]",
                            [](TrustInput& trust) { trust.intermediates.clear(); });
  missing.message_has = {intermediate, std::string{kIntermediateUrl}};
  out.push_back(std::move(missing));
  auto rootless = with_trust("MissingRoot", ErrorCode::issuer_missing, "chain[1]",
                             [](TrustInput& trust) { trust.roots = {other_root().certificate()}; });
  rootless.message_has = {pki().root.certificate().subject(), std::string{kRootUrl}};
  out.push_back(std::move(rootless));
  out.push_back(
      with_trust("RootNotAmongTheTrusted", ErrorCode::issuer_untrusted, "chain[2]", [](TrustInput& trust) {
        trust.roots = {other_root().certificate()};
        trust.intermediates.push_back(pki().root.certificate());
      }));
  out.push_back(self_signed());
  out.push_back(impostor("WrongIssuer", ErrorCode::issuer_missing, true));
  out.back().message_has = {"with another key"};
  out.push_back(impostor("WrongIssuerWithoutKeyIdentifier", ErrorCode::certificate_signature_invalid, false));
  out.push_back(issued_by_an_ek());
  out.push_back(path_too_long());
  out.push_back(altered_intermediate());
}

void append_validity_exhibits(std::vector<Exhibit>& out) {
  const auto ek = pki().ek.public_key();
  out.push_back(leaf("Expired", ErrorCode::certificate_expired, "chain[0]", ek_draft(ek, kPast)));
  out.push_back(leaf("NotYetValid", ErrorCode::certificate_not_yet_valid, "chain[0]", ek_draft(ek, kFuture)));
  out.push_back(faulty_issuer("ExpiredIntermediate", ErrorCode::certificate_expired, "chain[1]",
                              [](CertificateDraft& draft) { draft.validity = kPast; }));
  out.push_back(faulty_issuer("IntermediateNotYetValid", ErrorCode::certificate_not_yet_valid, "chain[1]",
                              [](CertificateDraft& draft) { draft.validity = kFuture; }));
  out.push_back(expired_root());
}

void append_ca_exhibits(std::vector<Exhibit>& out) {
  const auto change = [&out](std::string name, ErrorCode code, std::string field, std::string extension,
                             std::string value) {
    out.push_back(faulty_issuer(std::move(name), code, std::move(field),
                                [&](CertificateDraft& draft) { set_extension(draft, extension, value); }));
  };
  constexpr auto kUsage = ErrorCode::certificate_usage_refused;
  change("IssuerWithoutCaFlag", kUsage, "basicConstraints", "basicConstraints", "critical,CA:FALSE");
  change("IssuerWithoutBasicConstraints", kUsage, "basicConstraints", "basicConstraints", "");
  change("IssuerMayNotSignCertificates", kUsage, "keyUsage", "keyUsage", "critical,digitalSignature");
  change("IssuerWithUnknownCriticalExtension", kUsage, "1.3.6.1.4.1.55555.1", "1.3.6.1.4.1.55555.1",
         "critical,DER:0500");
  out.push_back(faulty_issuer("IssuerSignedWithSha1", ErrorCode::certificate_algorithm_refused,
                              "signatureAlgorithm", [](CertificateDraft& draft) { draft.hash = "SHA1"; }));
}

Bytes key_with_explicit_curve() {
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context);
  EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1);
  EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_EXPLICIT_CURVE);
  EVP_PKEY_keygen(context, &key);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  EVP_PKEY_free(key);
  EVP_PKEY_CTX_free(context);
  return out;
}

void append_strength_exhibits(std::vector<Exhibit>& out) {
  constexpr auto kWeak = ErrorCode::certificate_algorithm_refused;
  out.push_back(leaf("SignedWithSha1", kWeak, "signatureAlgorithm", draft_hashed_with("SHA1")));
  const auto rsa_root =
      CertificateAuthority::create_root(PrivateKey::generate_rsa(2048).value(), "RSA Root CA", kCurrent)
          .value();
  auto md5 = good_draft();
  md5.hash = "MD5";
  auto trust = pki().trust();
  trust.roots = {rsa_root.certificate()};
  trust.crl_policy = crypto::CrlPolicy::where_given;
  out.push_back({"SignedWithMd5", kWeak, "signatureAlgorithm", rsa_root.sign(md5).value().der(), trust});
  out.push_back(leaf("KeyOf1024Bits", kWeak, "publicKey",
                     ek_draft(PrivateKey::generate_rsa(1024).value().public_key())));
  auto explicit_curve = ek_draft(ec_key().public_key());
  explicit_curve.public_key_info = key_with_explicit_curve();
  out.push_back(leaf("KeyOnAnUnnamedCurve", ErrorCode::key_unsupported, "publicKey", explicit_curve));
}

}  // namespace

std::vector<Exhibit> bad_chains() {
  std::vector<Exhibit> out;
  append_issuer_exhibits(out);
  append_validity_exhibits(out);
  append_ca_exhibits(out);
  append_strength_exhibits(out);
  out.push_back(altered("AlteredModel", "emulated", "Emulated"));
  auto oaep = good_draft();
  oaep.oaep_key = true;
  auto altered_oaep = issue(oaep).der();
  replace_once(altered_oaep, as_bytes("emulated"), as_bytes("Emulated"));
  out.push_back({"AlteredWithAnOaepKey", ErrorCode::certificate_signature_invalid, "chain[0]",
                 std::move(altered_oaep), pki().trust()});
  out.push_back(altered("AlteredManufacturer", "id:53454C46", "id:494E5443"));
  constexpr auto kUsage = ErrorCode::certificate_usage_refused;
  out.push_back(leaf("UnknownCriticalExtension", kUsage, "1.3.6.1.4.1.55555.1",
                     draft_with("1.3.6.1.4.1.55555.1", "critical,DER:0500")));
  out.push_back(leaf("AlternativeNameThatIsNone", kUsage, "extensions",
                     draft_with("subjectAltName", "critical,DER:0101ff")));
  auto twice = good_draft();
  twice.extensions.emplace_back("keyUsage", "digitalSignature");
  out.push_back(leaf("KeyUsageTwice", kUsage, "extensions", twice));

  constexpr auto kMissing = ErrorCode::crl_missing;
  out.push_back(with_trust("NoListOfTheIntermediate", kMissing, "chain[0]",
                           [](TrustInput& trust) { trust.crls = {pki().root_crl}; }));
  out.back().message_has = {"Test TPM Intermediate CA", "http://pki.example/intermediate.crl"};
  out.push_back(with_trust("NoListOfTheRoot", kMissing, "chain[1]",
                           [](TrustInput& trust) { trust.crls = {pki().intermediate_crl}; }));
  out.push_back(
      with_trust("NoListAtAll", kMissing, "chain[0]", [](TrustInput& trust) { trust.crls.clear(); }));
  const auto with_list = [&out](std::string name, ErrorCode code, std::string field, Crl root,
                                Crl intermediate) {
    out.push_back(with_trust(std::move(name), code, std::move(field),
                             [&](TrustInput& trust) { trust.crls = {root, intermediate}; }));
  };
  const auto& [root, intermediate, ek, certificate, root_crl, intermediate_crl] = pki();
  with_list("Revoked", ErrorCode::certificate_revoked, "chain[0]", root_crl,
            intermediate.issue_crl({certificate}, kCurrent).value());
  with_list("RevokedIntermediate", ErrorCode::certificate_revoked, "chain[1]",
            root.issue_crl({intermediate.certificate()}, kCurrent).value(), intermediate_crl);
  with_list("ExpiredList", ErrorCode::crl_expired, "chain[0]", root_crl,
            intermediate.issue_crl({}, kPast).value());
  with_list("ExpiredListOfTheRoot", ErrorCode::crl_expired, "chain[1]", root.issue_crl({}, kPast).value(),
            intermediate_crl);
  with_list("ListNotYetValid", ErrorCode::crl_invalid, "thisUpdate", root_crl,
            intermediate.issue_crl({}, kFuture).value());
  auto altered_list = intermediate_crl.der();
  altered_list.back() ^= 1;
  with_list("AlteredList", ErrorCode::crl_invalid, "signature", root_crl, Crl::parse(altered_list).value());
  return out;
}

std::vector<Exhibit> bad_usages() {
  constexpr auto kUsage = ErrorCode::certificate_usage_refused;
  const auto usage = [](std::string name, std::string field, const std::string& extension,
                        const std::string& value) {
    return leaf(std::move(name), kUsage, std::move(field), draft_with(extension, value));
  };
  std::vector<Exhibit> out;
  out.push_back(usage("NoExtendedKeyUsage", "extendedKeyUsage", "extendedKeyUsage", ""));
  out.push_back(usage("AttestationKeyCertificate", "extendedKeyUsage", "extendedKeyUsage", "2.23.133.8.3"));
  out.push_back(usage("PlatformCertificate", "extendedKeyUsage", "extendedKeyUsage", "2.23.133.8.2"));
  out.push_back(usage("ServerCertificate", "extendedKeyUsage", "extendedKeyUsage", "serverAuth"));
  out.push_back(usage("AnyUsage", "extendedKeyUsage", "extendedKeyUsage", "anyExtendedKeyUsage"));
  out.push_back(usage("CaCertificate", "basicConstraints", "basicConstraints", "critical,CA:TRUE"));
  out.push_back(usage("SigningKey", "keyUsage", "keyUsage", "critical,digitalSignature"));
  out.push_back(
      usage("CertificateSigningKey", "keyUsage", "keyUsage", "critical,keyEncipherment,keyCertSign"));
  return out;
}

}  // namespace sealift::test_pki
