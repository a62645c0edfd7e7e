// SPDX-License-Identifier: Apache-2.0
/// What a host shows so that somebody may believe in its TPM, and its answer to the challenge (design section
/// 6, "Enrolment"). All of it is the host's word until tee/ has verified it.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "tpm/credential.h"
#include "tpm/profile.h"
#include "tpm/transport.h"

namespace sealift::tpm {

struct Evidence {
  std::string profile;                 ///< the profile's name, as claimed
  std::vector<Bytes> ek_certificates;  ///< DER; the EK's own first, then intermediates, 1 to 8
  Public endorsement_key;
  Public storage_key;
  Bytes platform_certificate = {};  ///< DER, as the machine's maker issued it; empty where there is none
};

/// The largest evidence document, in bytes.
inline constexpr std::size_t kEvidenceSizeLimit = 128 * 1024;

/// Reads it from a provisioned TPM; creates no key. The first EK of endorsement_keys() that has a
/// certificate in NV, the certificate's chain and the platform certificate where NV has
/// them. ek_certificate_missing; not_found with the field "storage_key" or "endorsement_key";
/// ek_certificate_malformed or platform_certificate_malformed where NV holds something else.
Result<Evidence> gather_evidence(Tpm& tpm, const Profile& profile);

/// {"format": "sealift.evidence.v1", "profile": "firmware", "ek_certificates": ["BASE64"…],
/// "endorsement_key": "BASE64 of TPM2B_PUBLIC", "storage_key": "…", "platform_certificate": "BASE64"}, the
/// last only where there is one.
std::string to_json(const Evidence& evidence);
/// Strict: these members, each once, nothing else. malformed, truncated or too_large; the field is the
/// member.
Result<Evidence> parse_evidence(ByteView text);

/// The challenge's secret: proof that this TPM holds both keys. challenge_response_differs where the
/// credential was made for other keys.
Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, const Public& endorsement_key,
                                     const Credential& credential, ByteView endorsement_auth = {});
/// The same for the keys that gather_evidence() shows. `credential_file` is the file of tpm2_makecredential,
/// as it came: also malformed or truncated.
Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, ByteView credential_file,
                                     ByteView endorsement_auth = {});

}  // namespace sealift::tpm
