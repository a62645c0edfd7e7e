// SPDX-License-Identifier: Apache-2.0
/// Private to libs/crypto: what drafts of certificates and of attribute certificates have in common.
#pragma once

#include <string>
#include <vector>

#include "crypto/x509_issue.h"
#include "crypto/x509_openssl.h"

namespace sealift::crypto {

/// invalid_argument, with OpenSSL's reasons for the log.
tl::unexpected<Error> refuse_draft(std::string message, std::string field);
/// 16 random bytes, positive and never shorter (RFC 5280 4.1.2.2: unique, at most 20 bytes).
Bytes random_serial();
Asn1IntegerPtr integer(ByteView big_endian);
Result<X509NamePtr> make_name(const std::vector<NameAttribute>& attributes);
/// subjectAltName with one directoryName, as x509v3_config(5) writes a raw extension: "DER:…".
Result<std::string> directory_alt_name(const std::vector<NameAttribute>& attributes);

}  // namespace sealift::crypto
