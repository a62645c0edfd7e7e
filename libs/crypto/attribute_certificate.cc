// SPDX-License-Identifier: Apache-2.0
#include "crypto/attribute_certificate.h"

#include <openssl/err.h>

#include <cstddef>

#include "crypto/x509_openssl.h"

// OpenSSL's template macros are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"

namespace sealift::crypto {
namespace {

// clang-format off
ASN1_SEQUENCE(IssuerSerial) = {
  ASN1_SEQUENCE_OF(IssuerSerial, issuer, GENERAL_NAME),
  ASN1_SIMPLE(IssuerSerial, serial, ASN1_INTEGER),
  ASN1_OPT(IssuerSerial, unique_id, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(IssuerSerial)

ASN1_SEQUENCE(AttributeHolder) = {
  ASN1_IMP_OPT(AttributeHolder, base_certificate, IssuerSerial, 0),
  ASN1_IMP_SEQUENCE_OF_OPT(AttributeHolder, entity, GENERAL_NAME, 1)
} static_ASN1_SEQUENCE_END(AttributeHolder)

ASN1_SEQUENCE(AttributeIssuer) = {
  ASN1_SEQUENCE_OF(AttributeIssuer, name, GENERAL_NAME)
} static_ASN1_SEQUENCE_END(AttributeIssuer)

ASN1_SEQUENCE(AttributeValidity) = {
  ASN1_SIMPLE(AttributeValidity, not_before, ASN1_GENERALIZEDTIME),
  ASN1_SIMPLE(AttributeValidity, not_after, ASN1_GENERALIZEDTIME)
} static_ASN1_SEQUENCE_END(AttributeValidity)

ASN1_SEQUENCE_enc(AttributeInfo, encoding, 0) = {
  ASN1_SIMPLE(AttributeInfo, version, ASN1_INTEGER),
  ASN1_SIMPLE(AttributeInfo, holder, AttributeHolder),
  ASN1_IMP(AttributeInfo, issuer, AttributeIssuer, 0),
  ASN1_SIMPLE(AttributeInfo, signature_algorithm, X509_ALGOR),
  ASN1_SIMPLE(AttributeInfo, serial, ASN1_INTEGER),
  ASN1_SIMPLE(AttributeInfo, validity, AttributeValidity),
  ASN1_SEQUENCE_OF(AttributeInfo, attributes, X509_ATTRIBUTE),
  ASN1_OPT(AttributeInfo, issuer_unique_id, ASN1_BIT_STRING),
  ASN1_SEQUENCE_OF_OPT(AttributeInfo, extensions, X509_EXTENSION)
} ASN1_SEQUENCE_END_enc(AttributeInfo, AttributeInfo)

ASN1_SEQUENCE(AttributeCertificate) = {
  ASN1_SIMPLE(AttributeCertificate, info, AttributeInfo),
  ASN1_SIMPLE(AttributeCertificate, signature_algorithm, X509_ALGOR),
  ASN1_SIMPLE(AttributeCertificate, signature, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(AttributeCertificate)
// clang-format on

}  // namespace

const ASN1_ITEM* attribute_certificate_item() { return ASN1_ITEM_rptr(AttributeCertificate); }
const ASN1_ITEM* attribute_info_item() { return ASN1_ITEM_rptr(AttributeInfo); }
const ASN1_ITEM* issuer_serial_item() { return ASN1_ITEM_rptr(IssuerSerial); }

void FreeAttributeCertificate::operator()(AttributeCertificate* certificate) const noexcept {
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(certificate), attribute_certificate_item());
}

AttributeCertificatePtr parse_attribute_certificate(ByteView der) {
  const auto* cursor = der.data();
  AttributeCertificatePtr certificate{reinterpret_cast<AttributeCertificate*>(
      ASN1_item_d2i(nullptr, &cursor, static_cast<long>(der.size()), attribute_certificate_item()))};
  ERR_clear_error();
  if (certificate && cursor != der.data() + der.size()) certificate.reset();
  return certificate;
}

const X509_NAME* only_directory_name(const GENERAL_NAMES* names) {
  if (sk_GENERAL_NAME_num(names) != 1) return nullptr;
  const auto* const name = sk_GENERAL_NAME_value(names, 0);
  return name->type == GEN_DIRNAME ? name->d.directoryName : nullptr;
}

std::string issuer_of(const AttributeInfo& info) {
  const auto* const name = only_directory_name(info.issuer->name);
  return name == nullptr ? std::string{} : text_of(name);
}

}  // namespace sealift::crypto
