// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <string.h>  // explicit_bzero

namespace sealift {

void wipe(std::span<std::uint8_t> bytes) noexcept {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
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
