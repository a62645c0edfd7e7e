// SPDX-License-Identifier: Apache-2.0
/// This host's TPM: shows its keys and answers challenges. It has few slots, so it is asked by one thread at
/// a time.
#pragma once

#include <mutex>

#include "services/agent/domain/ports.h"
#include "tpm/profile.h"

namespace sealift::agent {

class TpmPlatform final : public Platform {
 public:
  TpmPlatform(std::string tcti, const tpm::Profile& profile) : tcti_{std::move(tcti)}, profile_{profile} {}
  Result<Bytes> evidence() override;
  /// Which slots of images are this host's.
  Result<Bytes> storage_key_name();
  /// `question` as tpm2_makecredential writes it.
  Result<Bytes> answer(ByteView question) override;

 private:
  const std::string tcti_;
  const tpm::Profile& profile_;
  std::mutex mutex_;
};

}  // namespace sealift::agent
