// SPDX-License-Identifier: Apache-2.0
/// A secret sealed to the TPM of the machine that one is on, for a service that keeps a key of its own there.
/// Its parent is the storage primary of the owner hierarchy, which every TPM makes again from its seed: there
/// is nothing to provision, and nothing to lose but the TPM.
///
/// The opened secret crosses the bus encrypted to that primary, which the caller knows by name. Who alters
/// what crosses the bus while the primary is first asked for is not stopped: seal where nobody does.
#pragma once

#include "base/secret.h"
#include "tpm/seal.h"
#include "tpm/transport.h"

namespace sealift::tpm {

/// ECC P-256, no authorization of its own. The owner hierarchy's must be empty.
Result<Public> storage_primary(Tpm& tpm);

/// What seal() made for the primary `parent` under PolicyPCR over `pcrs`. not_found at "tpm" where this TPM's
/// primary is another one: another TPM, or its owner was cleared; pcr_differs at the PCRs;
/// sealed_data_refused where the data were altered.
Result<SecretBytes> unseal_locally(Tpm& tpm, const Name& parent, const SealedData& data,
                                   const PcrSelection& pcrs);

}  // namespace sealift::tpm
