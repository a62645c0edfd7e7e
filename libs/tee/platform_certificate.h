// SPDX-License-Identifier: Apache-2.0
/// TCG platform certificates (TCG Platform Certificate Profile v1.1) in their usual form: an X.509 v2
/// attribute certificate (RFC 5755), by which a machine's maker says that it put this TPM into this platform.
#pragma once

#include "crypto/x509_verify.h"

namespace sealift::tee {

/// The attribute certificate's holder is `ek_certificate` (by issuer and serial: platform_certificate_differs
/// otherwise), and its issuer is one of the trusted roots or intermediates, with a chain that holds at `time`
/// (the chain's codes). Also certificate_expired, certificate_not_yet_valid, certificate_signature_invalid,
/// certificate_revoked, crl_missing, certificate_algorithm_refused, certificate_usage_refused for a critical
/// extension that is not known, all with the field "platform_certificate" or one that starts so;
/// issuer_missing names the issuer; platform_certificate_malformed for anything that is not exactly one such
/// certificate in DER.
///
/// Not here: what the attributes say about components.
Status verify_platform_certificate(ByteView der, const crypto::Certificate& ek_certificate,
                                   const crypto::TrustedRoots& roots, TimePoint time);

}  // namespace sealift::tee
