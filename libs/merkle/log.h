// SPDX-License-Identifier: Apache-2.0
/// What a log says about itself, signed, and what it hands out: heads, receipts for one entry, bundles of
/// many. All of it can be checked by who has the log's public key, without the log.
///
/// A log that shows two different pasts must sign two heads that no tree fits: whoever sees both has the
/// proof.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "crypto/key.h"
#include "merkle/tree.h"

namespace sealift::merkle {

/// "The log has so many entries, and this root", ECDSA with SHA-256 over
/// "sealift audit v1 tree head" ‖ SHA-256 of the log's public key ‖ be64 size ‖ be64 time ‖ root.
struct SignedHead {
  std::uint64_t size = 0;
  std::uint64_t time_ms = 0;  ///< since 1970
  Hash root{};
  Bytes signature;
};

/// SHA-256 of the SubjectPublicKeyInfo, as RFC 6962 has it.
Hash log_id(const crypto::PublicKey& key);

/// Who signs a log's heads: a key at hand, or one that stays where it is.
class HeadSigner {
 public:
  virtual ~HeadSigner() = default;
  virtual const crypto::PublicKey& public_key() const = 0;
  /// ECDSA with SHA-256, DER.
  virtual Result<Bytes> sign(ByteView message) const = 0;
};
class PrivateKeySigner final : public HeadSigner {
 public:
  explicit PrivateKeySigner(crypto::PrivateKey key) : key_{std::move(key)}, public_key_{key_.public_key()} {}
  const crypto::PublicKey& public_key() const override { return public_key_; }
  Result<Bytes> sign(ByteView message) const override {
    return key_.sign(crypto::HashAlgorithm::sha256, message);
  }

 private:
  crypto::PrivateKey key_;
  crypto::PublicKey public_key_;
};

Result<SignedHead> sign_head(const HeadSigner& signer, const Frontier& tree, std::uint64_t time_ms);
/// signature_invalid at "head".
Status verify_head(const crypto::PublicKey& key, const SignedHead& head);
/// authentication_failed at "head" where both cannot be heads of one log that only grows: same size, another
/// root. For others, see Bundle::verify and verify_consistency.
Status expect_same_history(const SignedHead& one, const SignedHead& other);

void write_head(ByteWriter& out, const SignedHead& head);
Result<SignedHead> read_head(ByteReader& reader);

/// That one entry is in the log.
struct Receipt {
  std::uint64_t index = 0;
  Hash leaf{};
  Proof proof;
  SignedHead head;

  /// "SLRCPT1\n" ‖ be64 index ‖ leaf ‖ u8 count ‖ proof ‖ head.
  Bytes written() const;
  static Result<Receipt> parse(ByteView bytes);
  /// signature_invalid, authentication_failed.
  Status verify(const crypto::PublicKey& key) const;
};

/// An entry in the clear, or what stands for another tenant's.
using BundleEntry = std::variant<Bytes, Hash>;

/// The entries from one size of the log to a later one, the peaks before and the head after them.
struct Bundle {
  Frontier before;
  std::vector<BundleEntry> entries;
  SignedHead head;

  /// "SLBNDL1\n" ‖ be64 size before ‖ peaks ‖ be64 count ‖ entries, each u8 0 ‖ sized32 or u8 1 ‖ hash ‖
  /// head.
  Bytes written() const;
  static Result<Bundle> parse(ByteView bytes);

  /// signature_invalid at "head"; authentication_failed at "entries" where before and entries do not give the
  /// head's root: something was altered, left out, put in or moved; at "head" where one of `known` has
  /// another root than there was at its size: a fork. Known heads of other sizes than the bundle spans prove
  /// nothing, and are counted.
  struct Verdict {
    std::size_t compared = 0;
    std::size_t out_of_range = 0;
  };
  Result<Verdict> verify(const crypto::PublicKey& key, const std::vector<SignedHead>& known = {}) const;
  /// For an entry of the bundle that begins with the log's first; invalid_argument otherwise.
  Result<Receipt> receipt(std::uint64_t index) const;
};

/// The largest entry, in bytes.
inline constexpr std::size_t kMaxEntry = 64UL * 1024;

}  // namespace sealift::merkle
