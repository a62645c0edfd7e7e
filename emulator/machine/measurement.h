// SPDX-License-Identifier: Apache-2.0
/// Measuring: what the firmware says is extended into the TPM and written to the event log, in all active PCR
/// banks.
#pragma once

#include <vector>

#include "tpm/event_log.h"
#include "tpm/reference.h"
#include "tpm/transport.h"

namespace sealift::emulator {

/// The banks in which `pcr` exists (TPM2_GetCapability, TPM_CAP_PCRS) and whose hash Sealift knows.
Result<std::vector<crypto::HashAlgorithm>> active_banks(tpm::Tpm& tpm, unsigned pcr);

class Measurement {
 public:
  static Result<Measurement> start(tpm::Tpm& tpm);
  /// Extends the event's PCR in all banks, and notes the event.
  Status measure(const tpm::MeasuredEvent& event);
  const tpm::EventLog& log() const noexcept { return log_; }
  /// PCR 6 as the TPM has it.
  Result<tpm::PcrValues> firmware_pcr() const;

 private:
  Measurement(tpm::Tpm& tpm, std::vector<crypto::HashAlgorithm> banks);
  tpm::Tpm* tpm_;
  std::vector<crypto::HashAlgorithm> banks_;
  tpm::EventLog log_;
};

}  // namespace sealift::emulator
