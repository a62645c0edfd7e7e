// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/verify.h"

#include "formats/esm/payload_keys.h"

namespace sealift::esm {
namespace {

Result<SecretBytes> decrypt(ByteView key, const ImageId& image_id, const PayloadEntry& entry) {
  auto plaintext =
      crypto::gcm_decrypt(key, entry.iv, associated_data(image_id, entry.name), entry.ciphertext, entry.tag);
  if (!plaintext) {
    return fail(ErrorCode::authentication_failed, "the payload's entry '" + entry.name + "' does not open",
                entry.name);
  }
  return plaintext;
}

}  // namespace

VerifiedOperand::VerifiedOperand(const Operand& operand, SecretBytes key, IntegrityInformation integrity)
    : image_id_{operand.image_id()},
      customer_data_{operand.payload().begin() + 1, operand.payload().end()},
      key_{std::move(key)},
      integrity_{std::move(integrity)} {}

Result<VerifiedOperand> VerifiedOperand::verify(const Operand& operand, const Seed& seed) {
  // Only the image's owner may know the right HMAC: who had it could put it on any payload.
  if (!constant_time_equal(payload_hmac(operand, seed).view(), operand.hmac())) {
    return fail(ErrorCode::hmac_differs, "the payload's HMAC is not the one that this image's seed gives",
                "hmac");
  }
  auto key = encryption_key(seed, operand.image_id());
  SEALIFT_TRY(const auto plaintext, decrypt(key.expose(), operand.image_id(), operand.payload().front()));
  SEALIFT_TRY(auto integrity, parse_integrity(plaintext.expose()));
  return VerifiedOperand{operand, std::move(key), std::move(integrity)};
}

Result<ApprovedOperand> VerifiedOperand::approve(const Measured& measured) && {
  auto self = std::move(*this);  // so that the key is wiped on refusal
  SEALIFT_CHECK(check(self.integrity_, measured));
  return ApprovedOperand{std::move(self)};
}

Result<std::vector<CustomerData>> ApprovedOperand::take_customer_data() && {
  const auto verified = std::move(verified_);
  std::vector<CustomerData> opened;
  for (const auto& entry : verified.customer_data_) {
    SEALIFT_TRY(auto value, decrypt(verified.key_.expose(), verified.image_id_, entry));
    opened.push_back({entry.name, std::move(value)});
  }
  return opened;
}

}  // namespace sealift::esm
