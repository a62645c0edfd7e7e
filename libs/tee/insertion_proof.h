// SPDX-License-Identifier: Apache-2.0
/// Does this insertion key belong to the customer's security module? The customer's half of secure insertion
/// (insertion.h; adr/0021). What the security module, or whoever speaks in its place, shows is hostile.
#pragma once

#include <optional>
#include <vector>

#include "crypto/x509_issue.h"
#include "crypto/x509_verify.h"
#include "tee/insertion.h"
#include "tpm/quote.h"

namespace sealift::tee {

/// The extended key usage of an insertion key's certificate. No certificate that TLS takes has it: who holds
/// one of those is nobody's security module.
inline constexpr std::string_view kInsertionUsage = "2.25.206367892915032567381116373200849249320";

/// Whom the customer takes for their security module.
struct InsertionTrust {
  /// Of the TPM's maker where there is a `state`; else of who certified the insertion key in its HSM.
  crypto::TrustedRoots roots;
  /// The software that it runs. None: a certificate for the key is what counts.
  std::optional<tpm::PcrValues> state;
};

/// What it shows.
struct InsertionProof {
  /// DER, the insertion key's own first; with a `state` they are in that.
  std::vector<Bytes> certificates;
  std::optional<tpm::StateProof> state;
};

/// Seals `payload` for who proved to be trusted. Where it is a TPM that proves it, the last proof is that
/// nobody without that TPM can open it.
///
/// malformed at "terms" where they are larger than any can be; failed_precondition at "proof" where the other
/// kind of proof was shown; the codes of verify_chain(), of VerifiedPlatform and of verify_quote();
/// certificate_usage_refused, key_unsupported; authentication_failed at "insertion_key" where the certificate
/// is about another key.
Result<InsertionSent> insert_into(const InsertionTrust& trust, const InsertionTerms& terms,
                                  const InsertionProof& proof, ByteView payload, TimePoint now);

/// What the customer's own authority signs for an insertion key, once they have seen that the key is in their
/// HSM.
crypto::CertificateDraft insertion_certificate_draft(const crypto::PublicKey& key, const std::string& name,
                                                     crypto::Validity validity);

}  // namespace sealift::tee
