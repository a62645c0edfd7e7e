// SPDX-License-Identifier: Apache-2.0
#include "tpm/types.h"

#include <fmt/core.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <array>

#include "tpm/silence.h"

namespace sealift::tpm {
namespace {

constexpr std::array kAlgorithmIds{std::uint16_t{TPM2_ALG_SHA1}, std::uint16_t{TPM2_ALG_SHA256},
                                   std::uint16_t{TPM2_ALG_SHA384}, std::uint16_t{TPM2_ALG_SHA512}};
constexpr std::uint32_t kDefaultExponent = 65537;  // Part 2, TPMS_RSA_PARMS
constexpr std::size_t kPublicLimit = sizeof(TPM2B_PUBLIC);

Result<crypto::PublicKey> rsa_key(const TPMT_PUBLIC& area) {
  const auto& modulus = area.unique.rsa;
  if (modulus.size == 0)
    return fail(ErrorCode::malformed, "the public area is a template without a key", "unique");
  if (modulus.buffer[0] == 0)
    return fail(ErrorCode::malformed, "the RSA modulus has leading zeros", "unique");
  if (modulus.size * 8U != area.parameters.rsaDetail.keyBits) {
    return fail(ErrorCode::malformed, "the RSA modulus is not as long as the key size says", "unique");
  }
  const auto exponent = area.parameters.rsaDetail.exponent;
  if (exponent != 0 && (exponent < kDefaultExponent || exponent % 2 == 0)) {
    return fail(ErrorCode::key_unsupported, fmt::format("the RSA exponent {}", exponent), "exponent");
  }
  return crypto::PublicKey::from_rsa({.modulus = to_bytes({modulus.buffer, modulus.size}),
                                      .exponent = exponent == 0 ? kDefaultExponent : exponent});
}

/// TPMs may leave out a coordinate's leading zeros (Part 1, clause C.8); never longer than the field.
Result<Bytes> coordinate(const TPM2B_ECC_PARAMETER& number, crypto::Curve curve, const char* field) {
  const auto size = crypto::coordinate_size(curve);
  if (number.size == 0 || number.size > size) {
    return fail(ErrorCode::malformed,
                fmt::format("a coordinate of {} bytes on a {}-byte curve", number.size, size), field);
  }
  Bytes padded(size - number.size);
  padded.insert(padded.end(), number.buffer, number.buffer + number.size);
  return padded;
}

Result<crypto::PublicKey> ec_key(const TPMT_PUBLIC& area) {
  const auto id = area.parameters.eccDetail.curveID;
  if (id != TPM2_ECC_NIST_P256 && id != TPM2_ECC_NIST_P384) {
    return fail(ErrorCode::key_unsupported, fmt::format("the elliptic curve {:#x}, not P-256 or P-384", id),
                "curveID");
  }
  const auto curve = id == TPM2_ECC_NIST_P256 ? crypto::Curve::p256 : crypto::Curve::p384;
  SEALIFT_TRY(auto x, coordinate(area.unique.ecc.x, curve, "unique.x"));
  SEALIFT_TRY(auto y, coordinate(area.unique.ecc.y, curve, "unique.y"));
  return crypto::PublicKey::from_ec({.curve = curve, .x = std::move(x), .y = std::move(y)});
}

Result<Bytes> marshal(const TPMT_PUBLIC& area) {
  Bytes tpm2b(kPublicLimit);
  const TPM2B_PUBLIC whole{.size = 0, .publicArea = area};
  std::size_t size = 0;
  silence_tss();
  const auto code = Tss2_MU_TPM2B_PUBLIC_Marshal(&whole, tpm2b.data(), tpm2b.size(), &size);
  if (code != TSS2_RC_SUCCESS) {
    return fail(ErrorCode::malformed, "the public area holds a value that TPM 2.0 does not define", "public",
                fmt::format("Tss2_MU_TPM2B_PUBLIC_Marshal: {:#x}", code));
  }
  tpm2b.resize(size);
  return tpm2b;
}

}  // namespace

std::uint16_t algorithm_id(HashAlgorithm hash) noexcept {
  return kAlgorithmIds[static_cast<std::size_t>(hash)];  // NOLINT(*-constant-array-index): an enum of four
}

Result<HashAlgorithm> hash_from_id(std::uint16_t algorithm_id) {
  const auto* found = std::ranges::find(kAlgorithmIds, algorithm_id);
  if (found == kAlgorithmIds.end()) {
    return fail(ErrorCode::unsupported, fmt::format("the hash algorithm {:#06x} is not known", algorithm_id));
  }
  return static_cast<HashAlgorithm>(found - kAlgorithmIds.begin());
}

Name Name::of_handle(Handle handle) { return Name{std::move(ByteWriter{}.be32(handle)).take()}; }

Name Name::of_public_area(HashAlgorithm hash, ByteView area) {
  const auto digest = crypto::digest(hash, area);
  return Name{std::move(ByteWriter{}.be16(algorithm_id(hash)).bytes(digest.view())).take()};
}

Result<Name> Name::parse(ByteView bytes) {
  ByteReader reader{bytes};
  SEALIFT_TRY(const auto id, reader.be16());
  SEALIFT_TRY(const auto hash, hash_from_id(id));
  SEALIFT_CHECK(reader.take(crypto::digest_size(hash)));
  SEALIFT_CHECK(reader.expect_end());
  return Name{to_bytes(bytes)};
}

Result<Name> Name::from_hex(std::string_view text) {
  SEALIFT_TRY(const auto bytes, sealift::from_hex(text));
  return parse(bytes);
}

Public::Public(Bytes tpm2b, std::shared_ptr<const TPMT_PUBLIC> area, HashAlgorithm name_algorithm)
    : tpm2b_{std::move(tpm2b)},
      area_{std::move(area)},
      name_algorithm_{name_algorithm},
      name_{Name::of_public_area(name_algorithm, marshalled_area())} {}

Result<Public> Public::parse(ByteView tpm2b) {
  ByteReader reader{tpm2b};
  SEALIFT_CHECK(reader.sized16(kPublicLimit));
  SEALIFT_CHECK(reader.expect_end());
  TPM2B_PUBLIC whole{};
  std::size_t used = 0;
  silence_tss();
  const auto code = Tss2_MU_TPM2B_PUBLIC_Unmarshal(tpm2b.data(), tpm2b.size(), &used, &whole);
  if (code != TSS2_RC_SUCCESS || used != tpm2b.size()) {
    return fail(
        ErrorCode::malformed, "not a TPM2B_PUBLIC", "public",
        fmt::format("Tss2_MU_TPM2B_PUBLIC_Unmarshal: {:#x}, {} of {} bytes", code, used, tpm2b.size()));
  }
  SEALIFT_TRY(auto made, from_template(whole.publicArea));
  if (!same_bytes(made.tpm2b_, tpm2b)) {
    return fail(ErrorCode::malformed, "the TPM2B_PUBLIC is not in its one canonical form", "public");
  }
  return made;
}

ByteView Public::policy() const noexcept {
  return ByteView{static_cast<const std::uint8_t*>(area_->authPolicy.buffer), area_->authPolicy.size};
}

Result<Public> Public::from_template(const TPMT_PUBLIC& area) {
  SEALIFT_TRY(const auto hash, hash_from_id(area.nameAlg));
  SEALIFT_TRY(auto tpm2b, marshal(area));
  return Public{std::move(tpm2b), std::make_shared<const TPMT_PUBLIC>(area), hash};
}

Result<crypto::PublicKey> Public::key() const {
  if (area_->type == TPM2_ALG_RSA) return rsa_key(*area_);
  if (area_->type == TPM2_ALG_ECC) return ec_key(*area_);
  return fail(ErrorCode::key_unsupported,
              fmt::format("an object of type {:#x}, where an RSA or ECC key is expected", area_->type),
              "type");
}

}  // namespace sealift::tpm
