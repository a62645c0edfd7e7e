// SPDX-License-Identifier: Apache-2.0
/// The credential challenge: does the storage key live in the TPM that the certificate names?
///
/// TPM2_ActivateCredential gives the secret away only where the EK's private part and the key of that very
/// Name (a hash of all its attributes) are in one TPM. So a software key, a key of another TPM, or a key
/// whose attributes were edited on the way cannot answer. This is what was missing where attestation
/// frameworks let an attacker mix one machine's EK with another's keys.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "tee/enrolled_host.h"
#include "tpm/credential.h"

namespace sealift::tee {

inline constexpr std::chrono::seconds kChallengeLifetime{300};
/// The largest answer that is looked at; the right one has 32 bytes.
inline constexpr std::size_t kChallengeResponseLimit = 64;

/// One question to one host, which counts once and expires. The secret itself is forgotten as soon as it is
/// encrypted: a challenge knows only its hash, so neither memory nor the file between two commands can leak
/// it.
class Challenge {
 public:
  /// `now` is when it is asked; it can be answered until `now + lifetime`.
  static Result<Challenge> create(const VerifiedPlatform& platform, const VerifiedStorageKey& key,
                                  TimePoint now, std::chrono::seconds lifetime = kChallengeLifetime);

  /// For the host: what TPM2_ActivateCredential takes.
  const tpm::Credential& credential() const noexcept { return credential_; }
  /// 32 hexadecimal digits, to find the answer's question.
  const std::string& id() const noexcept { return id_; }
  /// Whom it asks.
  const EnrolmentSubject& subject() const noexcept { return subject_; }
  std::int64_t expires_at() const noexcept { return expires_at_; }

  /// The answer: what ActivateCredential gave. challenge_used for a second one, whatever became of the first;
  /// challenge_expired from expires_at() on, and where the clock went back before the question;
  /// challenge_response_differs.
  Result<EnrolledHost> finish(ByteView response, TimePoint now);

  /// Keeps it in a new file `path` (mode 0600) between the question and its answer. already_exists where
  /// there is one.
  Status save(const std::filesystem::path& path) const;
  /// Takes it out again, once: the file is renamed to `path` + ".used" first, so of two processes that try,
  /// one gets it, and the other challenge_used. not_found where there never was one.
  static Result<Challenge> take(const std::filesystem::path& path);

  /// What save() writes, and the strict reading of that: malformed, naming the field, or a code of
  /// VerifiedStorageKey.
  std::string to_json() const;
  static Result<Challenge> from_json(std::string_view text);

 private:
  explicit Challenge(EnrolmentSubject subject) : subject_{std::move(subject)} {}
  EnrolmentSubject subject_;
  tpm::Credential credential_;
  Digest response_hash_;
  std::string id_;
  std::int64_t asked_at_ = 0;
  std::int64_t expires_at_ = 0;
  bool used_ = false;
};

}  // namespace sealift::tee
