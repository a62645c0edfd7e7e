// SPDX-License-Identifier: Apache-2.0
#include "formats/ibm_esm/rsa_pem.h"

#include <algorithm>
#include <string>

#include "crypto/base64.h"

namespace sealift::ibm_esm {
namespace {

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kSequence = 0x30;
// AlgorithmIdentifier { rsaEncryption, NULL } (RFC 3279, 2.3.1).
constexpr std::array<std::uint8_t, 15> kRsaEncryption{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                      0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/// The content of the element with this tag; its length in the shortest form, up to 65535.
Result<ByteView> element(ByteReader& reader, std::uint8_t tag) {
  SEALIFT_TRY(const auto found, reader.u8());
  SEALIFT_TRY(const auto first, reader.u8());
  std::size_t size = first;
  if (first == 0x81) {
    SEALIFT_TRY(size, reader.u8());
  } else if (first == 0x82) {
    SEALIFT_TRY(size, reader.be16());
  }
  const std::size_t least = first == 0x82 ? 0x100 : first == 0x81 ? 0x80 : 0;
  if (found != tag || first > 0x82 || first == 0x80 || size < least)
    return fail(ErrorCode::malformed, "not this DER");
  return reader.take(size);
}

/// The content of an element that is all of `der`.
Result<ByteView> only(ByteView der, std::uint8_t tag) {
  ByteReader reader{der};
  SEALIFT_TRY(const auto content, element(reader, tag));
  SEALIFT_CHECK(reader.expect_end());
  return content;
}

/// A positive INTEGER without its leading zero.
Result<ByteView> positive(ByteReader& reader) {
  SEALIFT_TRY(auto number, element(reader, kInteger));
  const bool zero_first = !number.empty() && number.front() == 0;
  if (zero_first) number = number.subspan(1);
  if (number.empty() || (number.front() >= 0x80) != zero_first)
    return fail(ErrorCode::malformed, "not this DER");
  return number;
}

Result<crypto::RsaNumbers> read_key(ByteView der) {
  SEALIFT_TRY(const auto info, only(der, kSequence));
  ByteReader reader{info};
  SEALIFT_TRY(const auto algorithm, reader.take(kRsaEncryption.size()));
  if (!same_bytes(algorithm, kRsaEncryption)) return fail(ErrorCode::key_unsupported, "not RSA");
  SEALIFT_TRY(const auto bits, only(reader.rest(), kBitString));
  if (bits.empty() || bits.front() != 0) return fail(ErrorCode::malformed, "not this DER");
  SEALIFT_TRY(const auto key, only(bits.subspan(1), kSequence));
  ByteReader numbers{key};
  SEALIFT_TRY(const auto modulus, positive(numbers));
  SEALIFT_TRY(const auto exponent, positive(numbers));
  SEALIFT_CHECK(numbers.expect_end());
  if (exponent.size() > 4) return fail(ErrorCode::key_unsupported, "the exponent exceeds 32 bits");
  std::uint32_t e = 0;
  for (const auto byte : exponent) e = e << 8U | byte;
  return crypto::RsaNumbers{to_bytes(modulus), e};
}

}  // namespace

std::optional<crypto::RsaNumbers> plain_rsa_pem(ByteView pem_file) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----\n";
  constexpr std::string_view kEnd = "\n-----END PUBLIC KEY-----\n";
  const auto text = as_text(pem_file);
  if (text.size() < kBegin.size() + kEnd.size() || !text.starts_with(kBegin) || !text.ends_with(kEnd))
    return {};
  std::string base64{text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size())};
  std::erase(base64, '\n');
  const auto der = crypto::from_base64(base64);
  if (!der) return {};
  auto numbers = read_key(*der);
  if (!numbers) return {};
  return std::move(*numbers);
}

}  // namespace sealift::ibm_esm
