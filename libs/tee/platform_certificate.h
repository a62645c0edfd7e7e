// SPDX-License-Identifier: Apache-2.0
/// TCG platform certificates (TCG Platform Certificate Profile v1.1), by which a machine's maker says that it
/// put this TPM into this platform. Two forms are taken: an X.509 v2 attribute certificate (RFC 5755), the
/// usual one, and a public-key certificate for the EK with the extended key usage 2.23.133.8.2 or .4, which
/// swtpm's CA and some makers issue.
#pragma once

#include <span>
#include <string>

#include "crypto/x509_verify.h"

namespace sealift::tee {

/// It is for `ek_certificate` (the attribute certificate's holder by issuer and serial, the public-key
/// certificate by its key: platform_certificate_differs otherwise), and its issuer is one of the trusted
/// roots, intermediates or `shown` certificates, with a chain that holds at `time` (the chain's codes). Also
/// certificate_expired, certificate_not_yet_valid, certificate_signature_invalid, certificate_revoked,
/// crl_missing, certificate_algorithm_refused, certificate_usage_refused for a critical extension that is not
/// known, all with the field "platform_certificate" or one that starts so; issuer_missing names the issuer;
/// platform_certificate_malformed for anything that is not exactly one such certificate in DER.
///
/// Not here: what the attributes say about components.
Status verify_platform_certificate(ByteView der, const crypto::Certificate& ek_certificate,
                                   const crypto::TrustedRoots& roots, TimePoint time,
                                   std::span<const crypto::Certificate> shown = {});

/// What can be seen without a root: that it is one, for this EK certificate (the same codes). Gives who says
/// that it issued it, as RFC 2253 text.
Result<std::string> platform_certificate_issuer(ByteView der, const crypto::Certificate& ek_certificate);

/// When it counts; platform_certificate_malformed.
Result<crypto::Validity> platform_certificate_validity(ByteView der);

}  // namespace sealift::tee
