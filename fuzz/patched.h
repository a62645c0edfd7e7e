// SPDX-License-Identifier: Apache-2.0
/// Fuzzing what has checksums, signatures or long fixed parts: the fuzzer's input edits something genuine.
#pragma once

#include "base/bytes.h"

namespace sealift::fuzz {

/// `input` is edits of three bytes: offset (16 bits, modulo the length) and the new byte. A trailing one or
/// two bytes cut the result short by as much as they say.
inline Bytes patched(ByteView genuine, ByteView input) {
  auto out = to_bytes(genuine);
  while (input.size() >= 3) {
    out[(input[0] * 256U + input[1]) % out.size()] = input[2];
    input = input.subspan(3);
  }
  std::size_t cut = 0;
  for (const auto byte : input) cut = cut * 256U + byte;
  out.resize(out.size() - cut % out.size());
  return out;
}

}  // namespace sealift::fuzz
