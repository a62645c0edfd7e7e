// SPDX-License-Identifier: Apache-2.0
/// Random bytes from OpenSSL's generator; ends the process where there are none.
#pragma once

#include <array>
#include <span>

#include "base/secret.h"

namespace sealift::crypto {

void fill_random(std::span<std::uint8_t> out);

template <std::size_t N>
std::array<std::uint8_t, N> random_array() {
  std::array<std::uint8_t, N> bytes{};
  fill_random(bytes);
  return bytes;
}

template <std::size_t N>
Secret<N> random_secret() {
  auto bytes = random_array<N>();
  return Secret<N>{std::span<std::uint8_t, N>{bytes}};
}

}  // namespace sealift::crypto
