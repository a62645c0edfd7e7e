// SPDX-License-Identifier: Apache-2.0
/// The ASN.1 of X.509 v2 attribute certificates (RFC 5755, section 4.1), which OpenSSL 3.0 does not have: for
/// who issues them (x509_issue.h) and who judges them (tee/platform_certificate.h). Holders by
/// objectDigestInfo are not in it: TCG's profile names the EK certificate.
#pragma once

#include <openssl/asn1t.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "base/bytes.h"

namespace sealift::crypto {

struct IssuerSerial {
  GENERAL_NAMES* issuer;
  ASN1_INTEGER* serial;
  ASN1_BIT_STRING* unique_id;
};
struct AttributeHolder {
  IssuerSerial* base_certificate;
  GENERAL_NAMES* entity;
};
struct AttributeIssuer {
  GENERAL_NAMES* name;
};
struct AttributeValidity {
  ASN1_GENERALIZEDTIME* not_before;
  ASN1_GENERALIZEDTIME* not_after;
};
struct AttributeInfo {
  ASN1_INTEGER* version;
  AttributeHolder* holder;
  AttributeIssuer* issuer;
  X509_ALGOR* signature_algorithm;
  ASN1_INTEGER* serial;
  AttributeValidity* validity;
  STACK_OF(X509_ATTRIBUTE) * attributes;
  ASN1_BIT_STRING* issuer_unique_id;
  STACK_OF(X509_EXTENSION) * extensions;
  ASN1_ENCODING encoding;  ///< the bytes as they came: what is signed
};
struct AttributeCertificate {
  AttributeInfo* info;
  X509_ALGOR* signature_algorithm;
  ASN1_BIT_STRING* signature;
};

const ASN1_ITEM* attribute_certificate_item();
const ASN1_ITEM* attribute_info_item();
const ASN1_ITEM* issuer_serial_item();

struct FreeAttributeCertificate {
  void operator()(AttributeCertificate* certificate) const noexcept;
};
using AttributeCertificatePtr = std::unique_ptr<AttributeCertificate, FreeAttributeCertificate>;

/// Exactly one, in DER, nothing behind it; nullptr otherwise.
AttributeCertificatePtr parse_attribute_certificate(ByteView der);
/// The one directory name in `names`; nullptr where there is not exactly that.
const X509_NAME* only_directory_name(const GENERAL_NAMES* names);
/// Who says that it issued it, as RFC 2253 text; "" where it does not name one issuer.
std::string issuer_of(const AttributeInfo& info);

}  // namespace sealift::crypto
