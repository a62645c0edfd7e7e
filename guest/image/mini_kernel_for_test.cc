// SPDX-License-Identifier: Apache-2.0
#include "guest/image/mini_kernel_for_test.h"

namespace sealift::image {

Bytes kernel_that_says(std::string_view text) {
  constexpr std::uint32_t kMagic = 0x1BADB002;
  constexpr std::uint32_t kHasAddresses = 1U << 16U;
  constexpr std::uint32_t kLoadAddress = 0x100000;
  constexpr std::uint32_t kHeaderSize = 32;
  ByteWriter image;
  image.le32(kMagic).le32(kHasAddresses).le32(0U - kMagic - kHasAddresses);
  image.le32(kLoadAddress).le32(kLoadAddress).le32(0).le32(0).le32(kLoadAddress + kHeaderSize);
  image.bytes(Bytes{0x66, 0xBA, 0xF8, 0x03});  // mov dx, 0x3f8
  for (const char c : text)
    image.bytes(Bytes{0xB0, static_cast<std::uint8_t>(c), 0xEE});  // mov al, c; out dx, al
  image.bytes(Bytes{0xF4, 0xEB, 0xFD});                            // hlt, again and again
  return std::move(image).take();
}

}  // namespace sealift::image
