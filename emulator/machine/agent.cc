// SPDX-License-Identifier: Apache-2.0
#include "emulator/machine/agent.h"

#include <fmt/core.h>

#include "emulator/machine/process_file.h"
#include "tpm/evidence.h"

namespace sealift::emulator {
namespace {

Result<tpm::Tpm> open_tpm(const Machine& machine) {
  if (running_process(machine.tpm_process())) return tpm::Tpm::open(machine.tcti());
  return fail(ErrorCode::unavailable, fmt::format("machine '{}' is off: boot it first", machine.name()),
              "name");
}

}  // namespace

Result<std::string> gather_evidence(const Machine& machine) {
  SEALIFT_TRY(auto tpm, open_tpm(machine));
  SEALIFT_TRY(const auto evidence, tpm::gather_evidence(tpm, tpm::firmware_profile()));
  return tpm::to_json(evidence);
}

Result<SecretBytes> answer_challenge(const Machine& machine, ByteView challenge) {
  SEALIFT_TRY(auto tpm, open_tpm(machine));
  return tpm::answer_challenge(tpm, tpm::firmware_profile(), challenge);
}

}  // namespace sealift::emulator
