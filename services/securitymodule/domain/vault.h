// SPDX-License-Identifier: Apache-2.0
/// What the database is trusted with: nothing. Seeds are encrypted, and every other record carries a stamp,
/// so that who writes the database can make the security module forget, but neither open a seed, nor
/// exchange, nor forge.
///
///   root key ─ HKDF-SHA256 ─┬─ "sealift sm v1 seeds" ‖ tenant  → AES-256-GCM key of the tenant's seeds
///                           ├─ "sealift sm v1 records"         → HMAC-SHA256 key of all stamps
///                           └─ "sealift sm v1 own" ‖ purpose   → AES-256-GCM key of one secret of our own
#pragma once

#include <initializer_list>
#include <string>

#include "base/secret.h"
#include "formats/esm/operand.h"

namespace sealift::securitymodule {

inline constexpr std::size_t kRootKeySize = 32;
using RootKey = Secret<kRootKeySize>;

/// What a wrapped seed belongs to. Another of any of these, and it stays shut.
struct SeedOwner {
  std::string_view tenant;
  std::string_view image_id;
  ByteView metadata;
};

/// A stamp of one kind is none of another.
enum class RecordKind : std::uint8_t {
  enrolment = 1,
  question = 2,
  authorization = 3,
  audit_head = 4,
  revocation = 5,
  host_set = 6,
  verdict = 7
};

/// Immutable; usable by several threads.
class Vault {
 public:
  static constexpr std::size_t kStampSize = 32;

  explicit Vault(RootKey root);

  /// u8 1 ‖ 12 bytes IV ‖ ciphertext ‖ 16 bytes tag.
  Bytes wrap(ByteView seed, const SeedOwner& owner) const;
  Bytes wrap(const esm::Seed& seed, const SeedOwner& owner) const { return wrap(seed.expose(), owner); }
  /// authentication_failed where it was altered, or belongs to something else.
  Result<SecretBytes> unwrap(ByteView wrapped, const SeedOwner& owner) const;

  /// A secret of the security module's own, by its purpose: the log's key. As above.
  Bytes wrap_own(std::string_view purpose, ByteView secret) const;
  Result<SecretBytes> unwrap_own(std::string_view purpose, ByteView wrapped) const;

  /// `content` behind its stamp, for the record of that kind under `key` (tenant first).
  Bytes stamp(RecordKind kind, std::initializer_list<ByteView> key, ByteView content) const;
  /// The content, a view into `stamped`; authentication_failed unless stamp() gave these bytes for this
  /// record.
  Result<ByteView> check(RecordKind kind, std::initializer_list<ByteView> key, ByteView stamped) const;

 private:
  SecretBytes seed_key(std::string_view tenant) const;
  SecretBytes own_key(std::string_view purpose) const;

  RootKey root_;
  SecretBytes record_key_;
};

}  // namespace sealift::securitymodule
