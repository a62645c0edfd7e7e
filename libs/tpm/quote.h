// SPDX-License-Identifier: Apache-2.0
/// A TPM's word about the state that its machine is in now, for who is not on that machine (Part 1, clause
/// 31; TPM2_Quote). With it goes whatever the asker wants it to be bound to: a nonce, the name of a key.
///
/// The quote is signed by an attestation key: restricted, so that it signs nothing but what the TPM says
/// itself, and made anew from the endorsement hierarchy's seed, so that there is nothing to provision. That
/// the key lives in the TPM of the EK certificate is proven by a credential for both (credential.h).
#pragma once

#include <vector>

#include "base/secret.h"
#include "tpm/credential.h"
#include "tpm/profile.h"
#include "tpm/transport.h"

namespace sealift::tpm {

/// Of a quote's two parts, in bytes.
inline constexpr std::size_t kQuotePartLimit = 2048;
/// What a quote can be bound to: TPM2B_DATA holds a digest.
inline constexpr std::size_t kQualifyingDataSize = 32;

struct Quote {
  Bytes attested;   ///< TPMS_ATTEST
  Bytes signature;  ///< TPMT_SIGNATURE
};

/// What a machine shows. All of it is its word until it has been verified (verify_quote(); tee/platform.h for
/// the EK; a credential for both keys).
struct StateProof {
  std::vector<Bytes> ek_certificates;  ///< DER; the EK's own first, then intermediates
  Public endorsement_key;
  Public attestation_key;
  Quote quote;
};

/// Signed by this machine's TPM, over the PCRs as they are and `qualifying_data` (32 bytes). The endorsement
/// hierarchy's authorization must be empty. ek_certificate_missing.
Result<StateProof> prove_state(Tpm& tpm, const PcrSelection& pcrs, ByteView qualifying_data);
/// The secret in a credential that was made for the keys which prove_state() shows;
/// challenge_response_differs where it was made for others. `credential_file` as tpm2_makecredential writes
/// it.
Result<SecretBytes> open_attestation_credential(Tpm& tpm, ByteView credential_file);

/// What a TPMS_ATTEST of a quote says (Part 2, 10.12.12): views into it, believed by nobody yet.
struct Attested {
  ByteView qualifying_data;
  ByteView selection;  ///< TPML_PCR_SELECTION
  ByteView digest;     ///< SHA-256 of the values
};
/// Strict: malformed or truncated.
Result<Attested> parse_attested(ByteView attested);

/// What CreatePrimary takes for an attestation key: ECC P-256, ECDSA with SHA-256.
TPMT_PUBLIC attestation_key_template();

/// Whether `quote` says that its TPM's PCRs have the values `expected`, bound to `qualifying_data`, and is
/// signed by `key`, an attestation key as above. key_unsupported at "attestation_key" for another kind of
/// key, signature_invalid at "signature", malformed at "attested", authentication_failed at
/// "qualifying_data", pcr_differs at the PCRs.
Status verify_quote(const Public& key, const Quote& quote, ByteView qualifying_data,
                    const PcrValues& expected);

}  // namespace sealift::tpm
