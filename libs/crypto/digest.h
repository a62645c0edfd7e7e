// SPDX-License-Identifier: Apache-2.0
/// Hashes and HMAC (FIPS 180-4, FIPS 198-1), by OpenSSL 3.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace sealift::crypto {

enum class HashAlgorithm : std::uint8_t { sha1, sha256, sha384, sha512 };

/// "sha256". The names tpm2-tools use for PCR banks.
std::string_view name(HashAlgorithm algorithm) noexcept;
Result<HashAlgorithm> hash_from_name(std::string_view name);
constexpr std::size_t digest_size(HashAlgorithm algorithm) noexcept {
  constexpr std::array<std::size_t, 4> kSizes{20, 32, 48, 64};
  return kSizes.at(static_cast<std::size_t>(algorithm));
}

/// One hash value; 20 to 64 bytes.
class Digest {
 public:
  Digest() noexcept = default;
  /// `bytes` is at most 64 long.
  explicit Digest(ByteView bytes) noexcept;
  ByteView view() const noexcept { return {bytes_.data(), size_}; }
  std::size_t size() const noexcept { return size_; }
  /// For a digest that is a secret: an HMAC used as a key.
  void wipe() noexcept;
  bool operator==(const Digest& other) const noexcept { return same_bytes(view(), other.view()); }

 private:
  friend class Hasher;
  friend Digest hmac(HashAlgorithm, ByteView, std::initializer_list<ByteView>);
  std::array<std::uint8_t, 64> bytes_{};
  std::size_t size_ = 0;
};

/// A hash over bytes that come piece by piece.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();
  /// Another hasher that has seen the same: for many messages with one long beginning.
  Hasher fork() const;
  Hasher& update(ByteView bytes);
  /// The hash of all so far. The hasher starts anew.
  Digest finish();

 private:
  HashAlgorithm algorithm_;
  evp_md_ctx_st* context_;
};

/// The hash of the parts, one after the other.
Digest digest(HashAlgorithm algorithm, std::initializer_list<ByteView> parts);
inline Digest digest(HashAlgorithm algorithm, ByteView bytes) { return digest(algorithm, {bytes}); }
/// The HMAC of the parts, one after the other. Compare with constant_time_equal.
Digest hmac(HashAlgorithm algorithm, ByteView key, std::initializer_list<ByteView> parts);
/// The hash of what `fd` holds from `offset` to its end, in pieces.
Result<Digest> digest_file(HashAlgorithm algorithm, int fd, std::uint64_t offset = 0);

}  // namespace sealift::crypto
