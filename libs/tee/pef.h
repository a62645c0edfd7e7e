// SPDX-License-Identifier: Apache-2.0
/// The `pef` back end: an IBM POWER host with the Protected Execution Facility. It proves itself as a
/// measured host does, by its TPM; what is approved must be a firmware chain that enabled PEF, provisioned by
/// that firmware.
#pragma once

#include "tee/measured.h"
#include "tpm/reference.h"

namespace sealift::tee {

/// `reference` is the log of an approved machine. invalid_argument at "pef-enable" where its firmware did not
/// enable PEF: nothing would isolate a guest there.
Status check_pef_reference(const tpm::EventLog& reference);

class PefBackend final : public TeeBackend {
 public:
  /// Approves of the firmware that wrote `reference`. As check_pef_reference().
  static Result<PefBackend> create(TrustedRoots roots, const tpm::EventLog& reference);

  std::string_view name() const noexcept override { return "pef"; }
  /// Evidence, question and answer are those of MeasuredBackend, the target a MeasuredTarget.
  Result<std::unique_ptr<Examination>> examine(ByteView evidence, TimePoint now) const override {
    return by_tpm_.examine(evidence, now);
  }

 private:
  explicit PefBackend(MeasuredPolicy policy) : by_tpm_{std::move(policy)} {}
  MeasuredBackend by_tpm_;
};

}  // namespace sealift::tee
