// SPDX-License-Identifier: Apache-2.0
/// Secret bytes with one owner: wiped on every way out, not copyable, not printable, compared in constant
/// time. Reading them is a visible act: grep for `expose()`.
///
/// Not here: protection from swap and core dumps. That is base/hardening.h, once per process.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace sealift {

/// Overwrites `bytes` so that the compiler cannot leave it out.
void wipe(std::span<std::uint8_t> bytes) noexcept;
/// Same length and content, in time that depends on the length only.
bool constant_time_equal(ByteView a, ByteView b) noexcept;

/// N secret bytes.
template <std::size_t N>
class Secret {
 public:
  /// Takes the bytes and wipes their source.
  explicit Secret(std::span<std::uint8_t, N> source) noexcept {
    std::copy(source.begin(), source.end(), bytes_.begin());
    wipe(source);
  }
  Secret(Secret&& other) noexcept : Secret{std::span<std::uint8_t, N>{other.bytes_}} {}
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_); }

  std::span<const std::uint8_t, N> expose() const& noexcept { return bytes_; }
  void expose() const&& = delete;  // no view into a temporary
  bool equals(ByteView other) const noexcept { return constant_time_equal(bytes_, other); }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

/// Secret bytes of any length, on the heap, never reallocated.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  /// `size` zero bytes, to be filled through `expose_for_writing()`.
  explicit SecretBytes(std::size_t size);
  /// Takes the bytes and wipes their source.
  explicit SecretBytes(std::span<std::uint8_t> source);
  SecretBytes(SecretBytes&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  /// A second owner, made knowingly.
  static SecretBytes copy_of(ByteView source);

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  ByteView expose() const& noexcept { return {data_, size_}; }
  void expose() const&& = delete;
  std::span<std::uint8_t> expose_for_writing() & noexcept { return {data_, size_}; }
  bool equals(ByteView other) const noexcept { return constant_time_equal(expose(), other); }
  /// The first `size` bytes stay, the rest is wiped.
  void shrink(std::size_t size) noexcept;

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sealift
