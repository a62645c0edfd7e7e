// SPDX-License-Identifier: Apache-2.0
#include "tests/certificates/test_pki.h"

namespace sealift::test_pki {
namespace {

Bytes padded(Bytes certificate, std::uint8_t with) {
  certificate.resize(certificate.size() + 200, with);
  return certificate;
}

Oddity odd(std::string name, std::string reason, Bytes certificate) {
  return {std::move(name), std::move(reason), std::move(certificate), pki().trust()};
}

Oddity odd_extension(std::string name, std::string reason, const std::string& extension,
                     const std::string& value) {
  auto draft = ek_draft(pki().ek.public_key());
  set_extension(draft, extension, value);
  return odd(std::move(name), std::move(reason), issue(draft).der());
}

Bytes der_of(std::uint8_t tag, ByteView content) {
  return ByteWriter{}.u8(tag).u8(static_cast<std::uint8_t>(content.size())).bytes(content).view();
}

/// AttributeTypeAndValue with a 2.5.4.x type and a PrintableString.
Bytes attribute(std::uint8_t type, std::string_view value) {
  const Bytes oid{0x06, 0x03, 0x55, 0x04, type};
  return der_of(0x30, ByteWriter{}.bytes(oid).bytes(der_of(0x13, as_bytes(value))).view());
}

/// A root whose name is one SET of three attributes in the wrong order: CN, O, C instead of C, O, CN by
/// length.
Oddity unsorted_name() {
  const auto key = ec_key();
  CertificateDraft draft;
  draft.subject_der = der_of(0x30, der_of(0x31, ByteWriter{}
                                                    .bytes(attribute(3, "Unsorted TPM Root CA 1111"))
                                                    .bytes(attribute(10, "Unsorted Technology Corporation"))
                                                    .bytes(attribute(6, "TW"))
                                                    .view()));
  draft.validity = kCurrent;
  draft.extensions = {{"basicConstraints", "critical,CA:TRUE"},
                      {"keyUsage", "critical,keyCertSign,cRLSign"},
                      {"subjectKeyIdentifier", "hash"}};
  draft.public_key_info = key.public_key().der();
  const auto root = crypto::sign_certificate(draft, nullptr, key).value();
  const auto certificate = crypto::sign_certificate(ek_draft(pki().ek.public_key()), &root, key).value();
  auto trust = pki().trust();
  trust.roots = {root};
  trust.crl_policy = crypto::CrlPolicy::where_given;
  return {"IssuerNameWithUnsortedSet",
          "Nuvoton's roots and EK certificates; strict DER parsers refuse them (keylime issues 944 and 1775)",
          certificate.der(), std::move(trust)};
}

Oddity loose_boolean() {
  const Bytes strict{0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff};  // keyUsage, critical TRUE
  const Bytes loose{0x55, 0x1d, 0x0f, 0x01, 0x01, 0x01};
  return odd("BooleanTrueIsOne",
             "BER encoders of some CAs write TRUE as 01; the signature covers it as it is",
             resigned(pki().ek_certificate.der(), pki().intermediate.key(),
                      [&](Bytes& tbs) { replace_once(tbs, strict, loose); }));
}

Oddity oaep_key() {
  auto draft = ek_draft(pki().ek.public_key());
  draft.oaep_key = true;
  return odd(
      "OaepKeyAlgorithm",
      "older Infineon and Nuvoton chips: TCG's profile allows id-RSAES-OAEP, OpenSSL has no such key type",
      issue(draft).der());
}

Oddity without_end() {
  auto draft = ek_draft(pki().ek.public_key());
  draft.validity.not_after = Validity::kNoEnd;
  return odd("NoEndOfValidity", "99991231235959Z is RFC 5280's \"no well-defined date\"; swtpm uses it",
             issue(draft).der());
}

}  // namespace

std::vector<Oddity> oddities() {
  const auto& good = pki().ek_certificate.der();
  std::vector<Oddity> out;
  out.push_back(odd("PaddedWithZeros",
                    "the NV index is larger than the certificate, defined and written with zeros",
                    padded(good, 0x00)));
  out.push_back(odd("PaddedWithOnes", "the NV index is larger than the certificate, the rest is erased flash",
                    padded(good, 0xff)));
  out.push_back(oaep_key());
  out.push_back(without_end());
  out.push_back(odd_extension("ExplicitDefault", "Intel writes cA FALSE out, which DER leaves away",
                              "basicConstraints", "critical,DER:3003010100"));
  out.push_back(odd_extension("LooseBitString", "Infineon writes keyUsage without counting its unused bits",
                              "keyUsage", "critical,DER:03020020"));
  out.push_back(loose_boolean());
  out.push_back(unsorted_name());
  out.push_back(odd_extension("NoKeyIdentifier",
                              "the identifier is a hint for finding the issuer; the signature decides",
                              "authorityKeyIdentifier", ""));
  out.push_back(odd_extension(
      "TpmNameInOneSet", "Nuvoton puts manufacturer, model and version into one RDN", "subjectAltName",
      "critical,DER:3044a4423040313e3014060567810502010c0b69643a34453534343330303010060567810502020c074e504"
      "3543735783014060567810502030c0b69643a3030303730303032"));
  return out;
}

}  // namespace sealift::test_pki
