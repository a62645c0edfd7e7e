// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/amd_certificate.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "crypto/signature.h"
#include "tee/sev/numbers.h"

namespace sealift::sev {
namespace {

constexpr std::size_t kHeadSize = 0x40;
constexpr std::size_t kIdOffset = 0x04;
constexpr std::size_t kCertifyingIdOffset = 0x14;
constexpr std::size_t kUsageOffset = 0x24;
constexpr std::size_t kExponentBitsOffset = 0x38;
constexpr std::size_t kModulusBitsOffset = 0x3C;

std::uint32_t le32(ByteView bytes, std::size_t offset) {
  return ByteReader{bytes.subspan(offset)}.le32().value();
}

std::string field(Usage usage, std::string_view part) {
  return fmt::format("{}.{}", field_name(usage), part);
}

tl::unexpected<Error> malformed(Usage usage, std::string_view part, const std::string& why) {
  return fail(ErrorCode::sev_certificate_malformed, fmt::format("the {} certificate {}", name(usage), why),
              field(usage, part));
}

/// Head, exponent, modulus and signature; the key's bits are 2048 or 4096.
struct Shape {
  std::size_t number;  ///< bytes of each number
  std::size_t signed_size() const { return kHeadSize + 2 * number; }
  std::size_t size() const { return kHeadSize + 3 * number; }
};

Result<Shape> shape_of(ByteView bytes, Usage expected) {
  if (bytes.size() < kHeadSize) {
    return fail(ErrorCode::truncated,
                fmt::format("the {} certificate has only {} bytes", name(expected), bytes.size()),
                field(expected, "size"));
  }
  if (const auto version = le32(bytes, 0); version != 1) {
    return malformed(expected, "version", fmt::format("has version {:#x}, not 1", version));
  }
  const auto bits = le32(bytes, kModulusBitsOffset);
  if (bits != 2048 && bits != 4096) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("the {} certificate's key has {} bits; 2048 and 4096 are known", name(expected), bits),
        field(expected, "key"));
  }
  if (le32(bytes, kExponentBitsOffset) != bits) {
    return malformed(expected, "key", "gives exponent and modulus different sizes");
  }
  return Shape{bits / 8};
}

Status check_size(ByteView bytes, const Shape& shape, Usage expected) {
  if (bytes.size() == shape.size()) return {};
  if (bytes.size() == shape.signed_size()) {
    return fail(ErrorCode::truncated,
                fmt::format("the {} certificate ends after {} bytes, before its signature; AMD has published "
                            "one for Naples that does: take the one of {} bytes",
                            name(expected), bytes.size(), shape.size()),
                field(expected, "signature"));
  }
  return fail(
      bytes.size() < shape.size() ? ErrorCode::truncated : ErrorCode::sev_certificate_malformed,
      fmt::format("the {} certificate has {} bytes, not {}", name(expected), bytes.size(), shape.size()),
      field(expected, "size"));
}

Result<crypto::PublicKey> parse_key(ByteView bytes, const Shape& shape, Usage usage) {
  const auto exponent = from_little_endian(bytes.subspan(kHeadSize, shape.number), 4);
  const auto modulus =
      from_little_endian(bytes.subspan(kHeadSize + shape.number, shape.number), shape.number);
  if (!exponent || !modulus || modulus->front() < 0x80) {
    return malformed(usage, "key", "has a key of another size than it says");
  }
  auto key = crypto::PublicKey::from_rsa({*modulus, ByteReader{*exponent}.be32().value()});
  if (!key) return malformed(usage, "key", "has no RSA key");
  return key;
}

crypto::HashAlgorithm hash_of(const crypto::PublicKey& signer) {
  return signer.bits() <= 2048 ? crypto::HashAlgorithm::sha256 : crypto::HashAlgorithm::sha384;
}

/// The part of AMD's combined file that has this usage; all of `bytes` where they are one certificate.
ByteView part_with(Usage usage, ByteView bytes) {
  const auto shape = shape_of(bytes, usage);
  if (!shape || bytes.size() <= shape->size()) return bytes;
  const auto first = bytes.first(shape->size());
  const auto second = bytes.subspan(shape->size());
  // Only two whole certificates, the ASK's first, are such a file; else what follows is garbage.
  const auto second_shape = shape_of(second, Usage::ark);
  if (!second_shape || Usage{le32(first, kUsageOffset)} != Usage::ask ||
      Usage{le32(second, kUsageOffset)} != Usage::ark) {
    return bytes;
  }
  return usage == Usage::ask ? first : second;
}

}  // namespace

std::string_view field_name(Usage usage) noexcept {
  switch (usage) {
    case Usage::ark:
      return "ark";
    case Usage::ask:
      return "ask";
    case Usage::oca:
      return "oca";
    case Usage::pek:
      return "pek";
    case Usage::pdh:
      return "pdh";
    case Usage::cek:
      return "cek";
    case Usage::none:
      break;
  }
  return "certificate";
}

AmdCertificate::AmdCertificate(ByteView bytes, Usage usage, crypto::PublicKey key)
    : bytes_{to_bytes(bytes)}, usage_{usage}, key_{std::move(key)} {
  std::ranges::copy(bytes.subspan(kIdOffset, id_.size()), id_.begin());
  std::ranges::copy(bytes.subspan(kCertifyingIdOffset, certifying_id_.size()), certifying_id_.begin());
}

Result<AmdCertificate> AmdCertificate::parse(ByteView bytes, Usage usage) {
  return parse_alone(part_with(usage, bytes), usage);
}

Result<AmdCertificate> AmdCertificate::parse_alone(ByteView bytes, Usage expected) {
  SEALIFT_TRY(const auto shape, shape_of(bytes, expected));
  SEALIFT_CHECK(check_size(bytes, shape, expected));
  if (const Usage usage{le32(bytes, kUsageOffset)}; usage != expected) {
    return fail(ErrorCode::sev_certificate_usage_differs,
                fmt::format("the certificate given as {} is for {}", name(expected), name(usage)),
                field(expected, "usage"));
  }
  SEALIFT_TRY(auto key, parse_key(bytes, shape, expected));
  return AmdCertificate{bytes, expected, std::move(key)};
}

Result<AmdCertificate> AmdCertificate::issue(Usage usage, const KeyId& id, const KeyId& certifying_id,
                                             const crypto::PublicKey& key, const crypto::PrivateKey& signer) {
  SEALIFT_TRY(const auto numbers, key.rsa());
  const auto size = numbers.modulus.size();
  if ((size != 256 && size != 512) || signer.bits() != key.bits()) {
    return fail(ErrorCode::key_unsupported,
                "AMD's certificates hold RSA keys of 2048 or 4096 bits, and are signed by one as long");
  }
  ByteWriter out;
  out.le32(1).bytes(id).bytes(certifying_id).le32(static_cast<std::uint32_t>(usage)).bytes(Bytes(16));
  const auto bits = static_cast<std::uint32_t>(size * 8);
  out.le32(bits).le32(bits).le32(numbers.exponent).bytes(Bytes(size - 4));
  out.bytes(to_little_endian(numbers.modulus, size));
  SEALIFT_TRY(const auto signature,
              crypto::sign_pss(signer, hash_of(signer.public_key()), ByteView{out.view()}));
  out.bytes(to_little_endian(signature, size));
  return AmdCertificate{out.view(), usage, key};
}

crypto::Digest AmdCertificate::fingerprint() const {
  return crypto::digest(crypto::HashAlgorithm::sha256, key_.der());
}

Status AmdCertificate::verify_signature(const crypto::PublicKey& signer) const {
  const Shape shape{static_cast<std::size_t>(key_.bits()) / 8};
  const ByteView bytes{bytes_};
  const auto size = static_cast<std::size_t>(signer.bits()) / 8;
  const auto number = from_little_endian(bytes.subspan(shape.signed_size()), size);
  if (number && crypto::verify_pss(signer, hash_of(signer), bytes.first(shape.signed_size()), *number)) {
    return {};
  }
  return fail(ErrorCode::certificate_signature_invalid,
              fmt::format("the {} certificate is not signed by the ARK", name(usage_)),
              field(usage_, "signature"));
}

}  // namespace sealift::sev
