// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/agent.h"

#include <fmt/core.h>

#include "crypto/x509.h"
#include "emulator/machine/description.h"
#include "emulator/machine/process_file.h"
#include "tpm/commands.h"
#include "tpm/evidence.h"
#include "tpm/nv.h"
#include "tpm/response_code.h"

namespace sealift::emulator {
namespace {

Result<tpm::Tpm> open_tpm(const Machine& machine) {
  if (running_process(machine.tpm_process())) return tpm::Tpm::open(machine.tcti());
  return fail(ErrorCode::unavailable, fmt::format("machine '{}' is off: boot it first", machine.name()),
              "name");
}

/// Intermediates as the TPM's maker left them in NV (TCG EK Credential Profile, 2.2.1.5.2), which the agent
/// adds.
Status add_intermediates(tpm::Tpm& tpm, tpm::Evidence& evidence) {
  constexpr tpm::Handle kFirst = 0x01C00100;
  constexpr std::size_t kCertificates = 8;
  for (auto index = kFirst; evidence.ek_certificates.size() < kCertificates; ++index) {
    SEALIFT_TRY(const auto found, tpm::find_nv_index(tpm, index));
    if (!found) break;
    SEALIFT_TRY(const auto contents, tpm::nv_read_all(tpm, *found));
    SEALIFT_TRY(const auto certificate, crypto::Certificate::parse_padded(contents));
    evidence.ek_certificates.push_back(certificate.der());
  }
  return {};
}

}  // namespace

Result<std::string> gather_evidence(const Machine& machine) {
  SEALIFT_TRY(auto tpm, open_tpm(machine));
  SEALIFT_TRY(auto evidence, tpm::gather_evidence(tpm, tpm::firmware_profile()));
  SEALIFT_CHECK(add_intermediates(tpm, evidence));
  return tpm::to_json(evidence);
}

Result<SecretBytes> answer_challenge(const Machine& machine, ByteView challenge) {
  SEALIFT_TRY(const auto credential, tpm::parse_credential_file(challenge));
  SEALIFT_TRY(const auto description, read_description(machine.description()));
  SEALIFT_TRY(auto tpm, open_tpm(machine));
  SEALIFT_TRY(const auto ek, tpm::read_public(tpm, description.ek_handle));
  auto secret = tpm::answer_challenge(tpm, tpm::firmware_profile(), ek, credential);
  // libtpms reports a ciphertext that is not for its RSA key as a failure of its own, and works on.
  if (secret || !tpm::is_rc(secret.error(), "TPM_RC_FAILURE") || !tpm::get_random(tpm, 8)) return secret;
  return fail(ErrorCode::challenge_response_differs, "the challenge was made for another TPM", "credential",
              secret.error().message);
}

}  // namespace sealift::emulator
