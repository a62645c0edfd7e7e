// SPDX-License-Identifier: Apache-2.0
/// Opening sealed data on the one machine that may (design section 7).
///
/// Eleven commands: two sessions, both bound to the boot password, so that neither it nor the opened secret
/// crosses the bus in the clear and nobody on the bus can alter what counts; PolicySecret and PolicyPCR for
/// Import, the same for Load (for a storage key that is bound to an approver: its approval, then
/// PolicySecret), the object's own policy, Unseal, one flush. The sessions end with their last use. No key is
/// created.
///
/// Other users of the same TPM may take its slots or extend a PCR meanwhile, and the TPM may restart: such an
/// attempt leaves nothing behind and is made again, for at most ten seconds.
#pragma once

#include <string>

#include "base/secret.h"
#include "tpm/profile.h"
#include "tpm/seal.h"
#include "tpm/session.h"

namespace sealift::tpm {

/// TPM commands per opened seal, where the object's policy is one step.
inline constexpr unsigned kUnsealCommands = 11;

/// The object's own policy, as steps of a policy session.
class ObjectPolicy {
 public:
  virtual ~ObjectPolicy() = default;
  virtual Status satisfy(Tpm& tpm, const Session& session) const = 0;
  /// The error where the TPM says that `approved`, the object's policy digest, does not hold.
  virtual Error refusal(Tpm& tpm, ByteView approved) const = 0;
};

/// PolicyPCR over the PCRs as they are: one step.
class PcrObjectPolicy final : public ObjectPolicy {
 public:
  explicit PcrObjectPolicy(PcrSelection selection) : selection_{std::move(selection)} {}
  Status satisfy(Tpm& tpm, const Session& session) const override;
  /// pcr_differs at "sha256:6", with the approved policy digest and the one that the PCRs give now.
  Error refusal(Tpm& tpm, ByteView approved) const override;

 private:
  PcrSelection selection_;
};

/// A machine's storage key, as the one who opens seals knows it. Read it once, not per launch.
struct StorageParent {
  const Profile* profile;
  Public key;
  PcrSelection pcrs;  ///< what the key's policy is about
};
/// Of a provisioned machine; not_found at "storage_key" for another. `pcrs` as it was provisioned, by default
/// the profile's.
Result<StorageParent> read_storage_parent(Tpm& tpm, const Profile& profile);
Result<StorageParent> read_storage_parent(Tpm& tpm, const Profile& profile, const PcrSelection& pcrs);

/// The secret in `data`. pcr_differs (field: the PCRs, as "sha256:6"), boot_password_refused,
/// sealed_data_refused (field "public", "duplicate" or "seed" where that is known), authentication_failed
/// where somebody altered a response, tpm_unavailable, tpm_error.
///
/// `approved` is for a parent that is bound to an approver (profile.h): what the approver's part of its
/// policy takes. Null for one that is bound to PCR values.
Result<SecretBytes> unseal(Tpm& tpm, const StorageParent& parent,
                           const Secret<kBootPasswordSize>& boot_password, const SealedData& data,
                           const ObjectPolicy& policy, const ObjectPolicy* approved = nullptr);

}  // namespace sealift::tpm
