// SPDX-License-Identifier: Apache-2.0
// The state of an EVP digest cannot be read; that of OpenSSL's older interface can.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha512_state.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cassert>

namespace sealift::crypto {
namespace {

/// OpenSSL's context for `chain` after `size` bytes, a multiple of the block size.
SHA512_CTX context_of(const std::array<std::uint64_t, 8>& chain, std::uint64_t size) noexcept {
  SHA512_CTX context{};
  SHA512_Init(&context);
  std::ranges::copy(chain, std::begin(context.h));
  context.Nl = size << 3U;
  context.Nh = size >> 61U;
  return context;
}

}  // namespace

Sha512State::Sha512State() noexcept {
  SHA512_CTX context{};
  SHA512_Init(&context);
  std::ranges::copy(context.h, chain_.begin());
}

Result<Sha512State> Sha512State::parse(ByteView bytes) {
  Sha512State state;
  ByteReader reader{bytes};
  for (auto& word : state.chain_) {
    SEALIFT_TRY(word, reader.be64());
  }
  SEALIFT_TRY(state.size_, reader.be64());
  SEALIFT_CHECK(reader.expect_end());
  if (state.size_ % kBlockSize != 0)
    return fail(ErrorCode::malformed, "a SHA-512 state stands between blocks", "size");
  return state;
}

Bytes Sha512State::to_bytes() const {
  ByteWriter writer;
  for (const auto word : chain_) writer.be64(word);
  writer.be64(size_);
  return std::move(writer).take();
}

void Sha512State::update(ByteView blocks) noexcept {
  assert(blocks.size() % kBlockSize == 0);
  auto context = context_of(chain_, size_);
  SHA512_Update(&context, blocks.data(), blocks.size());
  std::ranges::copy(context.h, chain_.begin());
  size_ += blocks.size();
}

Digest Sha512State::finish(ByteView rest) const noexcept {
  auto context = context_of(chain_, size_);
  SHA512_Update(&context, rest.data(), rest.size());
  std::array<std::uint8_t, SHA512_DIGEST_LENGTH> digest{};
  SHA512_Final(digest.data(), &context);
  return Digest{digest};
}

}  // namespace sealift::crypto
