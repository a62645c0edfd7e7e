// SPDX-License-Identifier: Apache-2.0
#include "tee/tpm_seal_opener.h"

namespace sealift::tee {

Result<std::unique_ptr<TpmSealOpener>> TpmSealOpener::create(const std::string& tcti,
                                                             const tpm::Profile& profile,
                                                             const tpm::PcrSelection& pcrs,
                                                             Secret<tpm::kBootPasswordSize> boot_password) {
  SEALIFT_TRY(auto tpm, tpm::Tpm::open(tcti));
  SEALIFT_TRY(auto parent, tpm::read_storage_parent(tpm, profile, pcrs));
  return std::unique_ptr<TpmSealOpener>{
      new TpmSealOpener{std::move(tpm), std::move(parent), std::move(boot_password)}};
}

Result<SecretBytes> TpmSealOpener::open(const esm::Target& target) {
  const std::lock_guard lock{mutex_};
  const tpm::SealedData data{target.public_area, target.duplicate, target.seed};
  return tpm::unseal(tpm_, parent_, boot_password_, data, tpm::PcrObjectPolicy{parent_.pcrs});
}

}  // namespace sealift::tee
