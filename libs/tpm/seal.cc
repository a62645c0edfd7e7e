// SPDX-License-Identifier: Apache-2.0
#include "tpm/seal.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "crypto/random.h"
#include "tpm/outer_wrap.h"

namespace sealift::tpm {
namespace {

constexpr std::size_t kDigestSize = crypto::digest_size(HashAlgorithm::sha256);

/// noDA: there is no auth value to guess. adminWithPolicy without userWithAuth: nothing without the policy.
/// fixedTPM and fixedParent must be clear for an object that is imported; its policy names no command, so the
/// TPM does not duplicate it further (Part 1, clause 19.3, DUP role).
constexpr TPMA_OBJECT kAttributes = TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA;

/// TPMT_PUBLIC of type KEYEDHASH with scheme NULL (Part 2, clause 12.2.4).
Bytes data_object_area(const Digest& policy, const Digest& unique) {
  return std::move(ByteWriter{}
                       .be16(TPM2_ALG_KEYEDHASH)
                       .be16(TPM2_ALG_SHA256)
                       .be32(kAttributes)
                       .sized16(policy.view())
                       .be16(TPM2_ALG_NULL)
                       .sized16(unique.view()))
      .take();
}

/// TPM2B_SENSITIVE (Part 2, clause 12.3.2.4): no auth value, the obfuscation value, the data.
SecretBytes sensitive_area(ByteView obfuscation, ByteView secret) {
  const auto size = 4 * sizeof(std::uint16_t) + obfuscation.size() + secret.size();
  SecretBytes area{sizeof(std::uint16_t) + size};
  auto rest = area.expose_for_writing();
  const auto put = [&](ByteView bytes) {
    std::ranges::copy(bytes, rest.begin());
    rest = rest.subspan(bytes.size());
  };
  const auto put16 = [&](std::size_t number) {
    put(std::array{static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)});
  };
  put16(size);
  put16(TPM2_ALG_KEYEDHASH);
  put16(0);
  put16(obfuscation.size());
  put(obfuscation);
  put16(secret.size());
  put(secret);
  return area;
}

}  // namespace

Result<StorageKey> StorageKey::prepare(const Public& parent) {
  SEALIFT_TRY(auto wrap, OuterWrap::prepare(parent, "DUPLICATE"));
  return StorageKey{std::make_shared<const OuterWrap>(std::move(wrap))};
}

const Name& StorageKey::name() const noexcept { return wrap_->receiver_name(); }

Result<SealedData> StorageKey::seal(ByteView secret, const Digest& policy) const {
  if (secret.empty() || secret.size() > kSealedSizeLimit) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("a TPM seals 1 to {} bytes, not {}", kSealedSizeLimit, secret.size()), "secret");
  }
  if (policy.size() != kDigestSize) {
    return fail(ErrorCode::invalid_argument, "the policy is not a SHA-256 digest", "policy");
  }
  SEALIFT_TRY(const auto seed, wrap_->new_seed());
  const auto obfuscation = crypto::random_secret<kDigestSize>();
  const auto unique = crypto::digest(HashAlgorithm::sha256, {obfuscation.expose(), secret});
  const auto area = data_object_area(policy, unique);
  const auto name = Name::of_public_area(HashAlgorithm::sha256, area);
  return SealedData{
      .public_area = std::move(ByteWriter{}.sized16(area)).take(),
      .duplicate = wrap_->protect(seed.value, name, sensitive_area(obfuscation.expose(), secret)),
      .seed = seed.encrypted};
}

}  // namespace sealift::tpm
