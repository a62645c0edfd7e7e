// SPDX-License-Identifier: Apache-2.0
/// A host that passed enrolment: the only thing that sealing takes as its target.
#pragma once

#include <string>
#include <string_view>

#include "tee/platform.h"
#include "tee/storage_key.h"
#include "tpm/seal.h"

namespace sealift::tee {

/// Proof that a storage key of the right kind lives in the TPM of a genuine platform. Only a challenge that
/// was answered makes one (tee/challenge.h), or the file that one was kept in.
///
/// The file is the customer's own and as trustworthy as the place where it is kept: whoever may write it
/// decides to whom the customer seals. Keep it as the tooling writes it, readable and writable by its owner
/// only. Reading it checks everything again that needs no TPM and no root: the storage key against profile
/// and PCR values, and that the EK certificate has the hash in the file.
class EnrolledHost {
 public:
  /// The storage key, prepared: seal as often as you like.
  const tpm::StorageKey& storage_key() const noexcept { return storage_key_; }
  const tpm::Name& storage_key_name() const noexcept { return key_.name(); }
  const VerifiedStorageKey& key() const noexcept { return key_; }
  const tpm::Profile& profile() const noexcept { return key_.profile(); }
  const Digest& hardware_key_hash() const noexcept { return hardware_key_hash_; }
  const crypto::Certificate& ek_certificate() const noexcept { return ek_certificate_; }
  /// When the challenge was answered, seconds since 1970.
  std::int64_t enrolled_at() const noexcept { return enrolled_at_; }

  /// {"format": "sealift.enrolled-host.v1", "backend": "measured", "hardware_key_hash": "HEX", "enrolled_at":
  /// SECONDS, "profile": "firmware", "approved_pcrs": "sha256:6=HEX", "storage_key_name": "HEX",
  /// "storage_key": "BASE64 of TPM2B_PUBLIC", "ek_certificate": "BASE64 of DER"}. Nothing in it is secret.
  std::string to_json() const;
  /// Strict: every field, no other field, exact types. malformed, naming the field; or a code of
  /// VerifiedStorageKey.
  static Result<EnrolledHost> from_json(std::string_view text);

 private:
  friend class Challenge;
  static Result<EnrolledHost> make(VerifiedStorageKey key, crypto::Certificate ek_certificate,
                                   Digest hardware_key_hash, std::int64_t enrolled_at);
  EnrolledHost(VerifiedStorageKey key, tpm::StorageKey storage_key, crypto::Certificate ek_certificate,
               Digest hardware_key_hash, std::int64_t enrolled_at)
      : key_{std::move(key)},
        storage_key_{std::move(storage_key)},
        ek_certificate_{std::move(ek_certificate)},
        hardware_key_hash_{hardware_key_hash},
        enrolled_at_{enrolled_at} {}
  VerifiedStorageKey key_;
  tpm::StorageKey storage_key_;
  crypto::Certificate ek_certificate_;
  Digest hardware_key_hash_;
  std::int64_t enrolled_at_;
};

}  // namespace sealift::tee
