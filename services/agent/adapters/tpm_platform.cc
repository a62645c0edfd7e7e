// SPDX-License-Identifier: Apache-2.0
#include "services/agent/adapters/tpm_platform.h"

#include "tpm/evidence.h"

namespace sealift::agent {

Result<Bytes> TpmPlatform::evidence() {
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
  SEALIFT_TRY(const auto evidence, tpm::gather_evidence(tpm, profile_));
  return to_bytes(as_bytes(tpm::to_json(evidence)));
}

Result<Bytes> TpmPlatform::storage_key_name() {
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
  SEALIFT_TRY(const auto evidence, tpm::gather_evidence(tpm, profile_));
  return to_bytes(evidence.storage_key.name().view());
}

Result<Bytes> TpmPlatform::answer(ByteView question) {
  const std::lock_guard lock{mutex_};
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti_));
  SEALIFT_TRY(const auto secret, tpm::answer_challenge(tpm, profile_, question));
  return to_bytes(secret.expose());  // the one who asked knows it: that is the point
}

}  // namespace sealift::agent
