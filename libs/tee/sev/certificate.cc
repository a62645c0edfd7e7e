// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/certificate.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>

#include "crypto/signature.h"
#include "tee/sev/numbers.h"

namespace sealift::sev {
namespace {

using crypto::Curve;
using crypto::HashAlgorithm;

constexpr std::size_t kSignedSize = 0x414;
constexpr std::size_t kKeyOffset = 0x10;
constexpr std::size_t kKeySize = 1028;       // C.3
constexpr std::size_t kCoordinateSize = 72;  // C.3.2: 576 bits
constexpr std::size_t kRsaSize = 512;        // C.3.1: 4096 bits
constexpr std::size_t kSlotSize = 8 + kRsaSize;
static_assert(kSignedSize + kSignatureSlots * kSlotSize == kCertificateSize);

std::uint32_t le32(ByteView bytes, std::size_t offset) {
  return ByteReader{bytes.subspan(offset)}.le32().value();
}

bool is_rsa(Algorithm algorithm) {
  return algorithm == Algorithm::rsa_sha256 || algorithm == Algorithm::rsa_sha384;
}
bool is_ecdsa(Algorithm algorithm) {
  return algorithm == Algorithm::ecdsa_sha256 || algorithm == Algorithm::ecdsa_sha384;
}
bool is_ecdh(Algorithm algorithm) {
  return algorithm == Algorithm::ecdh_sha256 || algorithm == Algorithm::ecdh_sha384;
}
HashAlgorithm hash_of(Algorithm algorithm) {
  constexpr std::uint32_t kSha384 = 0x100;
  return (static_cast<std::uint32_t>(algorithm) & kSha384) != 0 ? HashAlgorithm::sha384
                                                                : HashAlgorithm::sha256;
}

std::string field(std::string_view what, std::string_view part) { return fmt::format("{}.{}", what, part); }

tl::unexpected<Error> bad_key(std::string_view what, std::string_view why) {
  return fail(ErrorCode::sev_certificate_malformed, fmt::format("the {} certificate's key {}", what, why),
              field(what, "key"));
}

/// C.3.2, C.3.3: curve, Qx, Qy.
Result<crypto::PublicKey> parse_ec_key(ByteView key, std::string_view what) {
  const auto id = le32(key, 0);
  if (id != 1 && id != 2) {
    return fail(ErrorCode::unsupported,
                fmt::format("the {} certificate's key is on the unknown curve {:#x}", what, id),
                field(what, "key"));
  }
  const auto curve = id == 1 ? Curve::p256 : Curve::p384;
  const auto size = crypto::coordinate_size(curve);
  const auto x = from_little_endian(key.subspan(4, kCoordinateSize), size);
  const auto y = from_little_endian(key.subspan(4 + kCoordinateSize, kCoordinateSize), size);
  if (!x || !y) return bad_key(what, "has coordinates larger than its curve");
  auto parsed = crypto::PublicKey::from_ec({curve, *x, *y});
  if (!parsed) return bad_key(what, "is not a point on its curve");
  return parsed;
}

/// C.3.1: modulus bits, exponent, modulus.
Result<crypto::PublicKey> parse_rsa_key(ByteView key, std::string_view what) {
  const auto bits = le32(key, 0);
  if (bits != 2048 && bits != 4096) {
    return fail(ErrorCode::unsupported,
                fmt::format("the {} certificate's RSA key has {} bits; 2048 and 4096 are known", what, bits),
                field(what, "key"));
  }
  const auto exponent = from_little_endian(key.subspan(4, kRsaSize), 4);
  const auto modulus = from_little_endian(key.subspan(4 + kRsaSize, kRsaSize), bits / 8);
  if (!exponent || !modulus || modulus->front() < 0x80)
    return bad_key(what, "is not of the size that it says");
  auto parsed = crypto::PublicKey::from_rsa({*modulus, ByteReader{*exponent}.be32().value()});
  if (!parsed) return bad_key(what, "is not an RSA key");
  return parsed;
}

Status check_size(ByteView bytes, std::string_view what) {
  if (bytes.size() == kCertificateSize) return {};
  return fail(bytes.size() < kCertificateSize ? ErrorCode::truncated : ErrorCode::sev_certificate_malformed,
              fmt::format("the {} certificate has {} bytes, not {}", what, bytes.size(), kCertificateSize),
              field(what, "size"));
}

bool is_known(Usage usage) {
  constexpr std::array kKnown{Usage::ark, Usage::ask, Usage::oca, Usage::pek, Usage::pdh, Usage::cek};
  return std::ranges::find(kKnown, usage) != kKnown.end();
}

Bytes key_bytes(const crypto::PublicKey& key) {
  ByteWriter out;
  if (key.type() == crypto::KeyType::rsa) {
    const auto numbers = key.rsa().value();
    out.le32(static_cast<std::uint32_t>(numbers.modulus.size() * 8)).le32(numbers.exponent);
    out.bytes(Bytes(kRsaSize - 4)).bytes(to_little_endian(numbers.modulus, kRsaSize));
  } else {
    const auto point = key.ec().value();
    out.le32(point.curve == Curve::p256 ? 1 : 2);
    out.bytes(to_little_endian(point.x, kCoordinateSize)).bytes(to_little_endian(point.y, kCoordinateSize));
  }
  auto bytes = std::move(out).take();
  bytes.resize(kKeySize);
  return bytes;
}

Algorithm signing_algorithm(const crypto::PrivateKey& key) {
  if (key.type() == crypto::KeyType::ec) return Algorithm::ecdsa_sha256;
  return key.bits() <= 2048 ? Algorithm::rsa_sha256 : Algorithm::rsa_sha384;
}

/// C.4: S, or R and S, little-endian.
Result<Bytes> sign(ByteView message, const crypto::PrivateKey& key) {
  const auto algorithm = signing_algorithm(key);
  Bytes signature;
  if (is_rsa(algorithm)) {
    SEALIFT_TRY(const auto number, crypto::sign_pss(key, hash_of(algorithm), message));
    signature = to_little_endian(number, kRsaSize);
  } else {
    SEALIFT_TRY(const auto numbers, crypto::sign_ecdsa(key, hash_of(algorithm), message));
    signature = ByteWriter{}
                    .bytes(to_little_endian(numbers.r, kCoordinateSize))
                    .bytes(to_little_endian(numbers.s, kCoordinateSize))
                    .view();
  }
  signature.resize(kRsaSize);
  return signature;
}

Status check_signature(const crypto::PublicKey& key, Algorithm algorithm, ByteView message,
                       ByteView signature) {
  const auto size = static_cast<std::size_t>(key.bits() + 7) / 8;
  if (is_rsa(algorithm) != (key.type() == crypto::KeyType::rsa)) {
    return fail(ErrorCode::unsupported, fmt::format("algorithm {:#x} is not one for the signer's key",
                                                    static_cast<std::uint32_t>(algorithm)));
  }
  const auto too_large = [] { return fail(ErrorCode::signature_invalid, "the number is too large"); };
  if (is_rsa(algorithm)) {
    const auto number = from_little_endian(signature, size);
    if (!number) return too_large();
    return crypto::verify_pss(key, hash_of(algorithm), message, *number);
  }
  if (is_ecdsa(algorithm)) {
    const auto r = from_little_endian(signature.first(kCoordinateSize), size);
    const auto s = from_little_endian(signature.subspan(kCoordinateSize, kCoordinateSize), size);
    if (!r || !s) return too_large();
    return crypto::verify_ecdsa(key, hash_of(algorithm), message, {*r, *s});
  }
  return fail(ErrorCode::unsupported,
              fmt::format("algorithm {:#x} does not sign", static_cast<std::uint32_t>(algorithm)));
}

}  // namespace

std::string name(Usage usage) {
  switch (usage) {
    case Usage::ark:
      return "ARK";
    case Usage::ask:
      return "ASK";
    case Usage::oca:
      return "OCA";
    case Usage::pek:
      return "PEK";
    case Usage::pdh:
      return "PDH";
    case Usage::cek:
      return "CEK";
    case Usage::none:
      return "nobody";
  }
  return fmt::format("usage {:#x}", static_cast<std::uint32_t>(usage));
}

Certificate::Certificate(ByteView bytes, crypto::PublicKey key)
    : usage_{le32(bytes, 0x08)}, algorithm_{le32(bytes, 0x0C)}, key_{std::move(key)} {
  std::ranges::copy(bytes, bytes_.begin());
  api_ = {bytes_[4], bytes_[5]};
}

Result<Certificate> Certificate::parse(ByteView bytes, std::string_view what) {
  SEALIFT_CHECK(check_size(bytes, what));
  if (const auto version = le32(bytes, 0); version != 1) {
    return fail(ErrorCode::sev_certificate_malformed,
                fmt::format("the {} certificate has version {:#x}, not 1", what, version),
                field(what, "version"));
  }
  if (const Usage usage{le32(bytes, 0x08)}; !is_known(usage)) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("the {} certificate's usage {:#x} is unknown", what, static_cast<std::uint32_t>(usage)),
        field(what, "usage"));
  }
  const Algorithm algorithm{le32(bytes, 0x0C)};
  const auto key = bytes.subspan(kKeyOffset, kKeySize);
  if (is_rsa(algorithm)) {
    SEALIFT_TRY(auto parsed, parse_rsa_key(key, what));
    return Certificate{bytes, std::move(parsed)};
  }
  if (is_ecdsa(algorithm) || is_ecdh(algorithm)) {
    SEALIFT_TRY(auto parsed, parse_ec_key(key, what));
    return Certificate{bytes, std::move(parsed)};
  }
  return fail(ErrorCode::unsupported,
              fmt::format("the {} certificate's algorithm {:#x} is unknown", what,
                          static_cast<std::uint32_t>(algorithm)),
              field(what, "algorithm"));
}

Certificate Certificate::make(Usage usage, Algorithm algorithm, ApiVersion api,
                              const crypto::PublicKey& key) {
  ByteWriter out;
  out.le32(1).u8(api.major).u8(api.minor).le16(0);
  out.le32(static_cast<std::uint32_t>(usage)).le32(static_cast<std::uint32_t>(algorithm));
  out.bytes(key_bytes(key));
  for (std::size_t i = 0; i < kSignatureSlots; ++i) {
    out.le32(static_cast<std::uint32_t>(Usage::none)).le32(0).bytes(Bytes(kRsaSize));
  }
  return {out.view(), key};
}

ByteView Certificate::slot(std::size_t index) const {
  return ByteView{bytes_}.subspan(kSignedSize + index * kSlotSize, kSlotSize);
}

Result<Certificate> Certificate::signed_by(std::size_t slot, Usage signer,
                                           const crypto::PrivateKey& key) const {
  assert(slot < kSignatureSlots);
  SEALIFT_TRY(const auto signature, sign(ByteView{bytes_}.first(kSignedSize), key));
  const auto content = ByteWriter{}
                           .le32(static_cast<std::uint32_t>(signer))
                           .le32(static_cast<std::uint32_t>(signing_algorithm(key)))
                           .bytes(signature)
                           .view();
  auto signed_copy = *this;
  std::ranges::copy(content, signed_copy.bytes_.begin() + kSignedSize + slot * kSlotSize);
  return signed_copy;
}

bool Certificate::names_signer(Usage signer) const noexcept {
  return Usage{le32(slot(0), 0)} == signer || Usage{le32(slot(1), 0)} == signer;
}

Status Certificate::verify_signature(Usage signer, const crypto::PublicKey& key,
                                     std::string_view what) const {
  auto code = ErrorCode::certificate_signature_invalid;
  std::string why = fmt::format("the {} certificate is not signed by the {}", what, name(signer));
  std::string detail;
  for (std::size_t i = 0; i < kSignatureSlots; ++i) {
    if (Usage{le32(slot(i), 0)} != signer) continue;
    const auto status = check_signature(key, Algorithm{le32(slot(i), 4)}, ByteView{bytes_}.first(kSignedSize),
                                        slot(i).subspan(8));
    if (status) return {};
    if (status.error().code != ErrorCode::signature_invalid) code = ErrorCode::unsupported;
    why = fmt::format("the {} certificate's signature by the {}: {}", what, name(signer),
                      status.error().message);
    detail = status.error().detail;
  }
  return fail(code, why, field(what, "signature"), detail);
}

}  // namespace sealift::sev
