// SPDX-License-Identifier: Apache-2.0
/// The TPM's words as types: names, PCR values and public areas (TPM 2.0 Library, Parts 1 and 2).
///
/// Pure: no TPM, no I/O. What comes from a host is hostile: everything parsed here is bounded, has exact
/// lengths and is written back byte for byte as it came. tss2 types are only declared; who looks inside a
/// public area includes <tss2/tss2_tpm2_types.h>.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/key.h"

struct TPMT_PUBLIC;         // NOLINT(readability-identifier-naming): tss2_tpm2_types.h
struct TPML_PCR_SELECTION;  // NOLINT(readability-identifier-naming): tss2_tpm2_types.h

namespace sealift::tpm {

using crypto::Digest;
using crypto::HashAlgorithm;

/// TPM_HANDLE: the top byte is the kind (Part 2, clause 7).
using Handle = std::uint32_t;

/// TPM_ALG_ID of a hash (Part 2, table 9).
std::uint16_t algorithm_id(HashAlgorithm hash) noexcept;
/// unsupported for any other than SHA-1, SHA-256, SHA-384, SHA-512.
Result<HashAlgorithm> hash_from_id(std::uint16_t algorithm_id);

/// An entity's Name (Part 1, clause 16): a handle's own 4 bytes, or nameAlg ‖ H(public area).
class Name {
 public:
  /// Of a permanent entity, such as a hierarchy.
  static Name of_handle(Handle handle);
  /// nameAlg ‖ hash of the marshalled public area.
  static Name of_public_area(HashAlgorithm hash, ByteView area);
  /// nameAlg ‖ digest of that algorithm's length, nothing else.
  static Result<Name> parse(ByteView bytes);
  static Result<Name> from_hex(std::string_view text);

  ByteView view() const noexcept { return bytes_; }
  std::string hex() const { return to_hex(bytes_); }
  auto operator<=>(const Name& other) const = default;

 private:
  explicit Name(Bytes bytes) : bytes_{std::move(bytes)} {}
  Bytes bytes_;
};

/// A public area (TPM2B_PUBLIC, Part 2, clause 12.2.5) that is well-formed: it unmarshals, with a known name
/// algorithm, and marshals to the same bytes. Whether it is the *right* key is for the caller to check.
class Public {
 public:
  /// Strict: exact length, no trailing bytes. malformed or truncated otherwise, unsupported for a name
  /// algorithm that hash_from_id() does not know.
  static Result<Public> parse(ByteView tpm2b);
  static Result<Public> from_template(const TPMT_PUBLIC& area);

  /// The TPM2B_PUBLIC, as tpm2-tools and the TPM write it.
  ByteView tpm2b() const noexcept { return tpm2b_; }
  /// The TPMT_PUBLIC in it, marshalled: what the Name is the hash of.
  ByteView marshalled_area() const noexcept { return ByteView{tpm2b_}.subspan(2); }
  const TPMT_PUBLIC& area() const noexcept { return *area_; }
  HashAlgorithm name_algorithm() const noexcept { return name_algorithm_; }
  /// authPolicy: a policy digest, or empty.
  ByteView policy() const noexcept;
  const Name& name() const noexcept { return name_; }
  /// An RSA key, or an ECC key on P-256 or P-384; key_unsupported for other types, malformed for a point that
  /// is not on its curve.
  Result<crypto::PublicKey> key() const;
  bool operator==(const Public& other) const noexcept { return same_bytes(tpm2b_, other.tpm2b_); }

 private:
  Public(Bytes tpm2b, std::shared_ptr<const TPMT_PUBLIC> area, HashAlgorithm name_algorithm);
  Bytes tpm2b_;
  std::shared_ptr<const TPMT_PUBLIC> area_;  // immutable, so sharing is safe
  HashAlgorithm name_algorithm_;
  Name name_;
};

/// A TPM that follows the PC Client profile has PCR 0 to 23.
inline constexpr unsigned kPcrCount = 24;

/// Some PCRs of one bank. Bit i of `pcrs` is PCR i.
struct PcrBank {
  HashAlgorithm hash;
  std::uint32_t pcrs;
  bool operator==(const PcrBank&) const = default;
};

/// Some PCRs (TPML_PCR_SELECTION), banks in the order given: a policy's digest depends on it.
class PcrSelection {
 public:
  /// "sha256:6,7" or "sha1:0+sha256:6,7", as tpm2-tools write it. invalid_argument for an unknown bank, the
  /// same bank or PCR twice, an index above 23, or no PCR at all.
  static Result<PcrSelection> parse(std::string_view text);
  static Result<PcrSelection> from_banks(std::vector<PcrBank> banks);

  const std::vector<PcrBank>& banks() const noexcept { return banks_; }
  std::string text() const;
  TPML_PCR_SELECTION to_tpm() const;
  /// TPML_PCR_SELECTION, marshalled.
  Bytes marshalled() const;
  bool operator==(const PcrSelection&) const = default;

 private:
  explicit PcrSelection(std::vector<PcrBank> banks) : banks_{std::move(banks)} {}
  std::vector<PcrBank> banks_;
};

struct PcrValue {
  HashAlgorithm hash;
  unsigned index;
  Digest value;
  bool operator==(const PcrValue&) const = default;
};

/// PCRs with the values they should have: never empty, no PCR twice. Banks stay in the order given, PCRs
/// within a bank ascend.
class PcrValues {
 public:
  /// "sha256:6=HEX", "sha256:6=HEX,7=HEX+sha1:0=HEX". invalid_argument as for PcrSelection, or a value that
  /// is not as long as its bank's digests.
  static Result<PcrValues> parse(std::string_view text);
  static Result<PcrValues> from_values(std::vector<PcrValue> values);

  const std::vector<PcrValue>& values() const noexcept { return values_; }
  PcrSelection selection() const;
  /// The value of that PCR, or nullptr.
  const Digest* find(HashAlgorithm hash, unsigned index) const noexcept;
  /// Hash of all values in the selection's order: PolicyPCR's pcrDigest (Part 3, TPM2_PolicyPCR).
  Digest digest(HashAlgorithm hash) const;
  std::string text() const;
  bool operator==(const PcrValues&) const = default;

 private:
  explicit PcrValues(std::vector<PcrValue> values) : values_{std::move(values)} {}
  std::vector<PcrValue> values_;
};

}  // namespace sealift::tpm
