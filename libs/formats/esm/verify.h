// SPDX-License-Identifier: Apache-2.0
/// Opening a payload in the one order that design section 5 allows, as types: an Operand becomes a
/// VerifiedOperand by its HMAC, and that an ApprovedOperand by the digests of what will run. Only the last
/// gives customer data, once.
#pragma once

#include <vector>

#include "formats/esm/operand.h"

namespace sealift::esm {

class ApprovedOperand;

/// The payload is the customer's, unaltered. Holds the encryption key.
class VerifiedOperand {
 public:
  /// Derives the HMAC key, compares the HMAC, and only then derives the encryption key and opens the
  /// integrity information. hmac_differs: edited, of another image, or not its seed.
  static Result<VerifiedOperand> verify(const Operand& operand, const Seed& seed);

  const ImageId& image_id() const noexcept { return image_id_; }
  const IntegrityInformation& integrity() const noexcept { return integrity_; }

  /// kernel_differs, initramfs_differs, cmdline_differs, rtas_differs: the first difference; the key is wiped
  /// then.
  Result<ApprovedOperand> approve(const Measured& measured) &&;

 private:
  friend class ApprovedOperand;
  VerifiedOperand(const Operand& operand, SecretBytes key, IntegrityInformation integrity);
  ImageId image_id_;
  std::vector<PayloadEntry> customer_data_;
  SecretBytes key_;
  IntegrityInformation integrity_;
};

/// What will run is what the customer sealed.
class ApprovedOperand {
 public:
  /// CD1..CDn; this object and its key are gone afterwards.
  Result<std::vector<CustomerData>> take_customer_data() &&;

 private:
  friend class VerifiedOperand;
  explicit ApprovedOperand(VerifiedOperand verified) : verified_{std::move(verified)} {}
  VerifiedOperand verified_;
};

}  // namespace sealift::esm
