// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <string.h>  // explicit_bzero

#include <cstring>

namespace sealift {

void wipe(std::span<std::uint8_t> bytes) noexcept {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

namespace {

/// From here on the compiler knows nothing of the value: what follows cannot end early for it.
std::uint64_t opaque(std::uint64_t value) noexcept {
  asm volatile("" : "+r"(value));  // NOLINT(hicpp-no-assembler)
  return value;
}

std::uint64_t word_at(ByteView bytes, std::size_t offset) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

}  // namespace

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t difference = 0;
  std::size_t at = 0;
  for (; a.size() - at >= sizeof difference; at += sizeof difference)
    difference = opaque(difference | (word_at(a, at) ^ word_at(b, at)));
  for (; at < a.size(); ++at) difference = opaque(difference | static_cast<unsigned>(a[at] ^ b[at]));
  return difference == 0;
}

SecretBytes::SecretBytes(std::size_t size)
    : data_{size == 0 ? nullptr : new std::uint8_t[size]()}, size_{size} {}

SecretBytes::SecretBytes(std::span<std::uint8_t> source) : SecretBytes{source.size()} {
  std::ranges::copy(source, data_);
  wipe(source);
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SecretBytes::~SecretBytes() {
  wipe({data_, size_});
  delete[] data_;
}

SecretBytes SecretBytes::copy_of(ByteView source) {
  SecretBytes copy{source.size()};
  std::ranges::copy(source, copy.data_);
  return copy;
}

void SecretBytes::shrink(std::size_t size) noexcept {
  if (size >= size_) return;
  wipe({data_ + size, size_ - size});
  size_ = size;
}

}  // namespace sealift
