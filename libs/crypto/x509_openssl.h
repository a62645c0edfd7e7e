// SPDX-License-Identifier: Apache-2.0
/// Private to libs/crypto: owners for OpenSSL's X.509 objects.
#pragma once

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "crypto/openssl.h"

namespace sealift::crypto {

using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;
using X509CrlPtr = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;
using X509ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using AccessInfoPtr = std::unique_ptr<AUTHORITY_INFO_ACCESS, FreeWith<AUTHORITY_INFO_ACCESS_free>>;
using DistributionPointsPtr = std::unique_ptr<CRL_DIST_POINTS, FreeWith<CRL_DIST_POINTS_free>>;
using IssuingPointPtr = std::unique_ptr<ISSUING_DIST_POINT, FreeWith<ISSUING_DIST_POINT_free>>;
using UsagesPtr = std::unique_ptr<EXTENDED_KEY_USAGE, FreeWith<EXTENDED_KEY_USAGE_free>>;
using Asn1IntegerPtr = std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>>;
using Asn1TimePtr = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;
using PublicKeyInfoPtr = std::unique_ptr<X509_PUBKEY, FreeWith<X509_PUBKEY_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

/// RFC 2253 text of a name, control characters escaped.
std::string text_of(const X509_NAME* name);
/// Dotted decimal.
std::string text_of(const ASN1_OBJECT* object);
/// What `encode(object, &buffer)` writes: i2d_X509 and its sisters.
template <typename T, typename Encode>
Bytes der_of(T* object, Encode encode) {
  unsigned char* data = nullptr;
  const int size = encode(object, &data);
  must(size, "DER encoding");
  Bytes bytes(data, data + size);
  OPENSSL_free(data);
  return bytes;
}

}  // namespace sealift::crypto
