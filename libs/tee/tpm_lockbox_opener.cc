// SPDX-License-Identifier: Apache-2.0
#include "tee/tpm_lockbox_opener.h"

namespace sealift::tee {

Result<std::unique_ptr<TpmLockboxOpener>> TpmLockboxOpener::create(const std::string& tcti,
                                                                   Password password) {
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti));
  SEALIFT_TRY(auto area, tpm::read_wrapping_key(tpm));
  SEALIFT_TRY(auto key, area.key());
  return std::unique_ptr<TpmLockboxOpener>{
      new TpmLockboxOpener{std::move(tpm), std::move(area), std::move(key), std::move(password)}};
}

Result<SecretBytes> TpmLockboxOpener::open(ByteView encrypted_key) {
  if (!password_)
    return fail(ErrorCode::pcr_differs,
                "this machine's firmware left PEF off, and keeps its wrapping key shut", "pcr6.pef-enable");
  const std::lock_guard lock{mutex_};
  return tpm::decrypt_by_wrapping_key(tpm_, area_, *password_, encrypted_key);
}

}  // namespace sealift::tee
