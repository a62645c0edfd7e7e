// SPDX-License-Identifier: Apache-2.0
/// A TPM as its vendor delivers it and its owner provisions it: seeds, EK with certificate, NV index X,
/// storage key.
///
/// RSA keys derive from the TPM's seeds, which takes 12 to 80 ms each, by luck. Where both keys are RSA, the
/// EK is made in a clone of the TPM while the TPM makes its storage key, and comes back as a saved context,
/// which a TPM with the same seeds takes (Part 1, clause 30).
#pragma once

#include <filesystem>

#include "crypto/x509_issue.h"
#include "tpm/binding.h"

namespace sealift::emulator {

struct TpmPlan {
  tpm::KeyKind ek;
  tpm::KeyKind storage_key;
  tpm::PcrValues expected;  ///< the state that the firmware makes
  tpm::Binding bound_to;    ///< of the storage key
};

struct ManufacturedTpm {
  tpm::EndorsementKey ek_kind;
  tpm::Public ek;
  crypto::Certificate ek_certificate;  ///< also in the TPM's NV, with its issuer's behind it
  Bytes platform_certificate;          ///< also there
  tpm::Public storage_key;
};

/// Its state ends up in `state`, a directory that is there and empty; files that end with the call go to
/// `scratch`.
Result<ManufacturedTpm> manufacture_tpm(const std::filesystem::path& state,
                                        const std::filesystem::path& scratch, const TpmPlan& plan,
                                        const crypto::CertificateAuthority& authority);

}  // namespace sealift::emulator
