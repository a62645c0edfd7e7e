// SPDX-License-Identifier: Apache-2.0
/// Opening a blob in IBM's format: the same order as tee/opening.h, another key and another check of the
/// payload.
#pragma once

#include <vector>

#include "crypto/key.h"
#include "formats/ibm_esm/blob.h"
#include "tee/opening.h"

namespace sealift::tee {

/// A machine that can open lockboxes which are addressed to its wrapping key.
class LockboxOpener {
 public:
  virtual ~LockboxOpener() = default;
  /// The key that lockboxes are addressed to; its PEM file's hash is their fingerprint.
  virtual const crypto::PublicKey& wrapping_key() const = 0;
  /// The plaintext. sealed_data_refused, boot_password_refused, tpm_unavailable, ….
  virtual Result<SecretBytes> open(ByteView encrypted_key) = 0;
};

/// The blob's attachments, as the guest's customer data, where the blob opens here and `measure` finds what
/// its digests say. no_target_for_host where no lockbox is addressed to this machine; authentication_failed
/// for a payload that was altered.
Result<std::vector<esm::CustomerData>> open_blob(const ibm_esm::Blob& blob, LockboxOpener& opener,
                                                 const Measure& measure, const OnStep& on_step);

}  // namespace sealift::tee
