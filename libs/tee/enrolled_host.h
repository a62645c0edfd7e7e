// SPDX-License-Identifier: Apache-2.0
/// A host that passed enrolment: the only thing that sealing takes as its target.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tee/platform.h"
#include "tee/storage_key.h"
#include "tpm/seal.h"

namespace sealift::tee {

/// What an enrolment is about.
struct EnrolmentSubject {
  VerifiedStorageKey key;
  crypto::Certificate ek_certificate;
  Digest hardware_key_hash;
  Bytes platform_certificate = {};  ///< DER, verified; empty where the host has none

  /// Who says that this TPM is in that machine, as RFC 2253 text; nothing where nobody does.
  std::optional<std::string> platform_issuer() const;
};

/// Proof that a storage key of the right kind lives in the TPM of a genuine platform. Only a challenge that
/// was answered makes one (tee/challenge.h), or the file that one was kept in.
///
/// The file is the customer's own and as trustworthy as the place where it is kept: whoever may write it
/// decides to whom the customer seals. Keep it as the tooling writes it, readable and writable by its owner
/// only. Reading it checks everything again that needs no TPM and no root: the storage key against profile
/// and PCR values, and that the EK certificate has the hash in the file, the
/// platform certificate that EK certificate.
class EnrolledHost {
 public:
  /// The storage key, prepared: seal as often as you like.
  const tpm::StorageKey& storage_key() const noexcept { return storage_key_; }
  const tpm::Name& storage_key_name() const noexcept { return subject_.key.name(); }
  const VerifiedStorageKey& key() const noexcept { return subject_.key; }
  const tpm::Profile& profile() const noexcept { return subject_.key.profile(); }
  const Digest& hardware_key_hash() const noexcept { return subject_.hardware_key_hash; }
  const crypto::Certificate& ek_certificate() const noexcept { return subject_.ek_certificate; }
  /// All of that, and the platform certificate.
  const EnrolmentSubject& subject() const noexcept { return subject_; }
  /// When the challenge was answered, seconds since 1970.
  std::int64_t enrolled_at() const noexcept { return enrolled_at_; }

  /// {"format": "sealift.enrolled-host.v1", "backend": "measured", "hardware_key_hash": "HEX", "enrolled_at":
  /// SECONDS, "profile": "firmware", "approved_pcrs": "sha256:6=HEX" (or "approver": "BASE64 of DER"),
  /// "storage_key_name": "HEX", "storage_key": "BASE64 of TPM2B_PUBLIC", "ek_certificate": "BASE64 of DER",
  /// "platform_certificate": "BASE64 of DER" (only where there is one)}. Nothing in it is secret.
  std::string to_json() const;
  /// Strict: every field, no other field, exact types. malformed, naming the field; or a code of
  /// VerifiedStorageKey.
  static Result<EnrolledHost> from_json(std::string_view text);

 private:
  friend class Challenge;
  static Result<EnrolledHost> make(EnrolmentSubject subject, std::int64_t enrolled_at);
  EnrolledHost(EnrolmentSubject subject, tpm::StorageKey storage_key, std::int64_t enrolled_at)
      : subject_{std::move(subject)}, storage_key_{std::move(storage_key)}, enrolled_at_{enrolled_at} {}
  EnrolmentSubject subject_;
  tpm::StorageKey storage_key_;
  std::int64_t enrolled_at_;
};

}  // namespace sealift::tee
