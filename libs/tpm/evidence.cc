// SPDX-License-Identifier: Apache-2.0
#include "tpm/evidence.h"

#include <fmt/core.h>

#include "tpm/ek.h"

namespace sealift::tpm {
namespace {

Result<Public> expect_key(Tpm& tpm, Handle handle, const char* field) {
  SEALIFT_TRY(auto key, find_public(tpm, handle));
  if (key) return *std::move(key);
  return fail(ErrorCode::not_found,
              fmt::format("the TPM has no key at {:#010x}: the machine is not provisioned", handle), field);
}

}  // namespace

Result<Evidence> gather_evidence(Tpm& tpm, const Profile& profile) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(auto storage_key, expect_key(tpm, profile.storage_key, "storage_key"));
  SEALIFT_TRY(const auto ek, shown_ek(tpm));
  SEALIFT_TRY(auto certificates, read_ek_certificates(tpm, ek.certificate));
  SEALIFT_TRY(auto endorsement_key, expect_key(tpm, ek.key->handle, "endorsement_key"));
  SEALIFT_TRY(auto platform_certificate, read_platform_certificate(tpm));
  return Evidence{std::string{profile.name}, std::move(certificates), std::move(endorsement_key),
                  std::move(storage_key), std::move(platform_certificate)};
}

Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, const Public& endorsement_key,
                                     const Credential& credential, ByteView endorsement_auth) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto storage_key, expect_key(tpm, profile.storage_key, "storage_key"));
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(const auto found, find_public(tpm, ek.handle));
    if (!found || !(*found == endorsement_key)) continue;
    return open_credential(tpm, {profile.storage_key, storage_key.name()},
                           {ek.handle, endorsement_key.name()}, endorsement_key, credential,
                           endorsement_auth);
  }
  return fail(ErrorCode::not_found, "the TPM does not hold this endorsement key", "endorsement_key");
}

Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, ByteView credential_file,
                                     ByteView endorsement_auth) {
  SEALIFT_TRY(const auto credential, parse_credential_file(credential_file));
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto ek, shown_ek(tpm));
  SEALIFT_TRY(const auto key, expect_key(tpm, ek.key->handle, "endorsement_key"));
  return answer_challenge(tpm, profile, key, credential, endorsement_auth);
}

}  // namespace sealift::tpm
