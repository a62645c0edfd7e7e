// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "crypto/attribute_certificate.h"
#include "crypto/x509_draft.h"

namespace sealift::crypto {
namespace {

// TCG Platform Certificate Profile v1.1.
constexpr const char* kPlatformSpecification = "2.23.133.2.17";
/// TCGPlatformSpecification: PC Client Platform Firmware Profile 1.05 revision 22, class 2 (server).
constexpr std::uint8_t kServerSpecification[] = {0x30, 0x11, 0x30, 0x09, 0x02, 0x01, 0x01, 0x02, 0x01, 0x05,
                                                 0x02, 0x01, 0x16, 0x04, 0x04, 0x00, 0x00, 0x00, 0x02};

/// In place of what an ASN.1 template made empty.
void set_directory_name(GENERAL_NAMES* names, const X509_NAME* name) {
  auto* const entry = must(GENERAL_NAME_new(), "GENERAL_NAME");
  GENERAL_NAME_set0_value(entry, GEN_DIRNAME, must(X509_NAME_dup(name), "X509_NAME"));
  must(sk_GENERAL_NAME_push(names, entry), "GENERAL_NAMES");
}

void set_holder(AttributeHolder& holder, const Certificate& certificate) {
  holder.base_certificate =
      must(reinterpret_cast<IssuerSerial*>(ASN1_item_new(issuer_serial_item())), "IssuerSerial");
  set_directory_name(holder.base_certificate->issuer, X509_get_issuer_name(certificate.get()));
  must(ASN1_STRING_copy(holder.base_certificate->serial, X509_get0_serialNumber(certificate.get())),
       "serial");
}

Status set_validity(AttributeValidity& field, const Validity& validity) {
  if (ASN1_GENERALIZEDTIME_set(field.not_before, static_cast<std::time_t>(validity.not_before)) == nullptr ||
      ASN1_GENERALIZEDTIME_set(field.not_after, static_cast<std::time_t>(validity.not_after)) == nullptr) {
    return refuse_draft("the validity is not between the years 0 and 9999", "validity");
  }
  return {};
}

Status add_attribute(AttributeInfo& info, const std::string& type, const Bytes& value) {
  const std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>> object{OBJ_txt2obj(type.c_str(), 1)};
  auto* const attribute = object ? X509_ATTRIBUTE_create_by_OBJ(nullptr, object.get(), V_ASN1_SEQUENCE,
                                                                value.data(), static_cast<int>(value.size()))
                                 : nullptr;
  if (attribute == nullptr) return refuse_draft(fmt::format("there is no attribute {}", type), type);
  must(sk_X509_ATTRIBUTE_push(info.attributes, attribute), "X509_ATTRIBUTE");
  return {};
}

Status add_extension(AttributeInfo& info, const Certificate& issuer, const std::string& name,
                     const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer.get(), nullptr, nullptr, nullptr, 0);
  auto* const extension = X509V3_EXT_nconf(nullptr, &context, name.c_str(), value.c_str());
  if (extension == nullptr) {
    return refuse_draft(fmt::format("OpenSSL does not take the extension {} = {}", name, value), name);
  }
  must(X509v3_add_ext(&info.extensions, extension, -1) == nullptr ? 0 : 1, "X509_EXTENSION");
  X509_EXTENSION_free(extension);
  return {};
}

}  // namespace

Result<AttributeCertificateDraft> CertificateAuthority::platform_draft(
    const PlatformCertificateOptions& options) {
  SEALIFT_TRY(auto alt_name, directory_alt_name({{"2.23.133.5.1.1", options.manufacturer},
                                                 {"2.23.133.5.1.4", options.model},
                                                 {"2.23.133.5.1.5", options.version}}));
  AttributeCertificateDraft draft;
  draft.validity = options.validity;
  draft.attributes = {
      {kPlatformSpecification, {std::begin(kServerSpecification), std::end(kServerSpecification)}}};
  draft.extensions = {{"subjectAltName", std::move(alt_name)},
                      {"extendedKeyUsage", "2.23.133.8.2"},  // tcg-kp-PlatformAttributeCertificate
                      {"authorityKeyIdentifier", "keyid"}};
  return draft;
}

Result<Bytes> CertificateAuthority::sign(const AttributeCertificateDraft& draft,
                                         const Certificate& holder) const {
  const AttributeCertificatePtr certificate{
      reinterpret_cast<AttributeCertificate*>(ASN1_item_new(attribute_certificate_item()))};
  must(certificate.get(), "AttributeCertificate");
  auto& info = *certificate->info;
  must(ASN1_INTEGER_set(info.version, 1), "version");  // v2 is 1
  const auto serial = integer(draft.serial.empty() ? random_serial() : draft.serial);
  must(ASN1_STRING_copy(info.serial, serial.get()), "serial");
  set_holder(*info.holder, holder);
  set_directory_name(info.issuer->name, X509_get_subject_name(certificate_.get()));
  SEALIFT_CHECK(set_validity(*info.validity, draft.validity));
  for (const auto& [type, value] : draft.attributes) SEALIFT_CHECK(add_attribute(info, type, value));
  for (const auto& [name, value] : draft.extensions) {
    SEALIFT_CHECK(add_extension(info, certificate_, name, value));
  }
  if (ASN1_item_sign(attribute_info_item(), info.signature_algorithm, certificate->signature_algorithm,
                     certificate->signature, &info, key_.get(), EVP_get_digestbyname(draft.hash)) <= 0) {
    return refuse_draft(fmt::format("the key cannot sign with {}", draft.hash), "hash");
  }
  return der_of(certificate.get(), [](const AttributeCertificate* object, unsigned char** out) {
    return ASN1_item_i2d(reinterpret_cast<const ASN1_VALUE*>(object), out, attribute_certificate_item());
  });
}

Result<Bytes> CertificateAuthority::issue_platform_certificate(
    const Certificate& ek_certificate, const PlatformCertificateOptions& options) const {
  SEALIFT_TRY(const auto draft, platform_draft(options));
  return sign(draft, ek_certificate);
}

}  // namespace sealift::crypto
