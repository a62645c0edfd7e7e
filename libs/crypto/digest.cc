// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/file.h"
#include "crypto/openssl.h"

namespace sealift::crypto {
namespace {

constexpr std::array<std::string_view, 4> kNames{"sha1", "sha256", "sha384", "sha512"};

/// One per thread and hash: making one costs as much as hashing a block. finish() leaves nothing in it.
Hasher& thread_hasher(HashAlgorithm algorithm) {
  thread_local std::array<Hasher, 4> hashers{Hasher{HashAlgorithm::sha1}, Hasher{HashAlgorithm::sha256},
                                             Hasher{HashAlgorithm::sha384}, Hasher{HashAlgorithm::sha512}};
  return hashers.at(static_cast<std::size_t>(algorithm));
}

}  // namespace

void openssl_broken(const char* what) {
  fmt::print(stderr, "sealift: OpenSSL failed at {}: {}\n", what, openssl_errors());
  std::abort();
}

std::string openssl_errors() {
  std::string text;
  while (const auto code = ERR_get_error()) {
    if (!text.empty()) text += "; ";
    const char* const reason = ERR_reason_error_string(code);
    text += reason == nullptr ? fmt::format("{:#x}", code) : reason;
  }
  return text;
}

const EVP_MD* fetched(HashAlgorithm algorithm) {
  static const std::array<EVP_MD*, 4> digests{must(EVP_MD_fetch(nullptr, "SHA1", nullptr), "SHA1"),
                                              must(EVP_MD_fetch(nullptr, "SHA256", nullptr), "SHA256"),
                                              must(EVP_MD_fetch(nullptr, "SHA384", nullptr), "SHA384"),
                                              must(EVP_MD_fetch(nullptr, "SHA512", nullptr), "SHA512")};
  return digests.at(static_cast<std::size_t>(algorithm));
}

std::string_view name(HashAlgorithm algorithm) noexcept {
  return kNames.at(static_cast<std::size_t>(algorithm));
}

Result<HashAlgorithm> hash_from_name(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    return fail(ErrorCode::unsupported, fmt::format("unknown hash algorithm '{}'", name));
  return static_cast<HashAlgorithm>(found - kNames.begin());
}

Digest::Digest(ByteView bytes) noexcept : size_{bytes.size()} {
  assert(bytes.size() <= bytes_.size());
  std::ranges::copy(bytes, bytes_.begin());
}

void Digest::wipe() noexcept { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Hasher::Hasher(HashAlgorithm algorithm)
    : algorithm_{algorithm}, context_{must(EVP_MD_CTX_new(), "EVP_MD_CTX_new")} {
  must(EVP_DigestInit_ex2(context_, fetched(algorithm_), nullptr), "EVP_DigestInit");
}
Hasher::Hasher(Hasher&& other) noexcept
    : algorithm_{other.algorithm_}, context_{std::exchange(other.context_, nullptr)} {}
Hasher& Hasher::operator=(Hasher&& other) noexcept {
  std::swap(algorithm_, other.algorithm_);
  std::swap(context_, other.context_);
  return *this;
}
Hasher::~Hasher() { EVP_MD_CTX_free(context_); }

Hasher Hasher::fork() const {
  Hasher copy{algorithm_};
  must(EVP_MD_CTX_copy_ex(copy.context_, context_), "EVP_MD_CTX_copy");
  return copy;
}

Hasher& Hasher::update(ByteView bytes) {
  must(EVP_DigestUpdate(context_, bytes.data(), bytes.size()), "EVP_DigestUpdate");
  return *this;
}

Digest Hasher::finish() {
  Digest out;
  unsigned size = 0;
  must(EVP_DigestFinal_ex(context_, out.bytes_.data(), &size), "EVP_DigestFinal");
  out.size_ = size;
  must(EVP_DigestInit_ex2(context_, fetched(algorithm_), nullptr), "EVP_DigestInit");
  return out;
}

Digest digest(HashAlgorithm algorithm, std::initializer_list<ByteView> parts) {
  auto& hasher = thread_hasher(algorithm);
  for (const auto part : parts) hasher.update(part);
  return hasher.finish();
}

Digest hmac(HashAlgorithm algorithm, ByteView key, std::initializer_list<ByteView> parts) {
  // RFC 2104, on the hasher: EVP_MAC costs four times as much to set up for the short inputs used here.
  std::array<std::uint8_t, 128> pad{};
  const std::size_t block = algorithm == HashAlgorithm::sha1 || algorithm == HashAlgorithm::sha256 ? 64 : 128;
  if (key.size() > block) {
    std::ranges::copy(digest(algorithm, key).view(), pad.begin());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  const std::span used{pad.data(), block};
  auto& hasher = thread_hasher(algorithm);
  for (auto& byte : used) byte ^= 0x36;
  hasher.update(used);
  for (const auto part : parts) hasher.update(part);
  const auto inner = hasher.finish();
  for (auto& byte : used) byte ^= 0x36 ^ 0x5c;
  const auto outer = hasher.update(used).update(inner.view()).finish();
  OPENSSL_cleanse(pad.data(), pad.size());
  return outer;
}

Result<Digest> digest_file(HashAlgorithm algorithm, int fd, std::uint64_t offset) {
  Hasher hasher{algorithm};
  std::vector<std::uint8_t> chunk(1U << 20U);
  for (;;) {
    const auto got = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("pread");
    if (got == 0) return hasher.finish();
    hasher.update({chunk.data(), static_cast<std::size_t>(got)});
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace sealift::crypto
