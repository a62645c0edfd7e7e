// SPDX-License-Identifier: Apache-2.0
#include "tee/pef.h"

namespace sealift::tee {

Status check_pef_reference(const tpm::EventLog& reference) {
  if (tpm::enables_pef(reference)) return {};
  return fail(ErrorCode::invalid_argument, "the approved firmware leaves PEF off: it isolates no guest",
              "pef-enable");
}

Result<PefBackend> PefBackend::create(TrustedRoots roots, const tpm::EventLog& reference) {
  SEALIFT_CHECK(check_pef_reference(reference));
  auto values = reference.replay();
  std::erase_if(values, [](const tpm::PcrValue& value) {
    return value.hash != crypto::HashAlgorithm::sha256 || value.index != tpm::kFirmwarePcr;
  });
  SEALIFT_TRY(auto approved, tpm::PcrValues::from_values(std::move(values)));
  return PefBackend{{std::move(roots), &tpm::firmware_profile(), std::move(approved)}};
}

}  // namespace sealift::tee
