// SPDX-License-Identifier: Apache-2.0
/// The untrusted host agent's part of an enrolment: it relays between its TPM and whoever asks. Nothing it
/// says is believed without proof.
#pragma once

#include <string>

#include "base/secret.h"
#include "emulator/machine/machine.h"

namespace sealift::emulator {

/// The machine's evidence, the document of tpm/evidence.h. unavailable where the machine is off.
Result<std::string> gather_evidence(const Machine& machine);

/// The secret in `challenge`, a credential file as tpm2_makecredential writes it: what
/// TPM2_ActivateCredential gives. challenge_response_differs where the challenge is for another TPM or
/// another key.
Result<SecretBytes> answer_challenge(const Machine& machine, ByteView challenge);

}  // namespace sealift::emulator
