// SPDX-License-Identifier: Apache-2.0
/// SHA-512 (FIPS 180-4) that another process can go on with: between whole blocks it is 72 bytes, which can
/// be kept. For uploads that outlive the process which began them.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/digest.h"

namespace sealift::crypto {

class Sha512State {
 public:
  static constexpr std::size_t kBlockSize = 128;

  /// Of no bytes.
  Sha512State() noexcept;
  /// What to_bytes() gave: the chaining value, eight be64, and the bytes hashed so far, be64. truncated,
  /// malformed.
  static Result<Sha512State> parse(ByteView bytes);
  Bytes to_bytes() const;

  /// `blocks` is a multiple of kBlockSize long.
  void update(ByteView blocks) noexcept;
  /// The hash of everything so far and `rest`, which may have any length.
  Digest finish(ByteView rest) const noexcept;

 private:
  std::array<std::uint64_t, 8> chain_;
  std::uint64_t size_ = 0;
};

}  // namespace sealift::crypto
