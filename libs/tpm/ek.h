// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: the endorsement key that a machine shows, and how it opens credentials.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/commands.h"
#include "tpm/nv_certificates.h"

namespace sealift::tpm {

/// Of those with a certificate in NV, the first.
struct ShownEk {
  const EndorsementKey* key;
  NvIndex certificate;
};
/// ek_certificate_missing.
Result<ShownEk> shown_ek(Tpm& tpm);

/// The secret in `credential`, made for the key `subject` and this EK; challenge_response_differs where it
/// was made for others. `subject` has the Empty Auth.
Result<SecretBytes> open_credential(Tpm& tpm, const Entity& subject, const Entity& ek, const Public& ek_area,
                                    const Credential& credential, ByteView endorsement_auth = {});

}  // namespace sealift::tpm
