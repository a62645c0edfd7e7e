// SPDX-License-Identifier: Apache-2.0
/// Making a machine's TPM ready for sealed images (design section 6, Fig. 5), and the boot password of each
/// boot.
///
/// Run by whoever the profile names: firmware before any operating system, or the machine's owner. All
/// auth values here are used in bound sessions and never cross the bus, but a bus that is listened to while a
/// hierarchy's auth is still empty gives away what is set then: provision and boot before anybody else can.
#pragma once

#include <vector>

#include "base/secret.h"
#include "tpm/binding.h"
#include "tpm/profile.h"
#include "tpm/transport.h"

namespace sealift::tpm {

/// The hierarchies' auth values. Empty on a new TPM; platform's is empty after each TPM reset.
struct HierarchyAuths {
  SecretBytes platform;
  SecretBytes owner;
  SecretBytes endorsement;
  ByteView of(Hierarchy hierarchy) const noexcept;
};

/// What a machine should become.
struct MachinePlan {
  const Profile* profile;  ///< firmware_profile() or owner_profile()
  KeyKind storage_key;     ///< rsa2048 or p256
  Binding bound_to;        ///< of the storage key; where it is an approver, the machine gets a version index
};

/// What a provisioned machine has.
struct ProvisionedMachine {
  Public storage_key;
  std::vector<Public> endorsement_keys;  ///< one for each EK certificate in NV; persistent
};

/// Does what is missing of the plan and checks what is there; running it again changes nothing.
/// already_exists where something else is there, with the field that differs: "nv_index",
/// "nv_index.attributes", "nv_index.policy", "nv_index.size", "nv_index.name_algorithm",
/// "storage_key.attributes", "storage_key.policy", "storage_key.algorithm", "endorsement_key",
/// "version_index". Leaves the
/// boot password unknown to all: rotate_boot_password() comes next.
Result<ProvisionedMachine> provision(Tpm& tpm, const MachinePlan& plan, const HierarchyAuths& auths);

/// A fresh boot password, now in the TPM: for the ultravisor alone. Earlier ones are void.
Result<Secret<kBootPasswordSize>> rotate_boot_password(Tpm& tpm, const Profile& profile,
                                                       const HierarchyAuths& auths);

/// New seeds for platform and owner: no key that this machine had is ever made again, so that nothing which
/// was sealed to it can be opened, by it or by anybody. The endorsement seed stays, and with it the maker's
/// certificate: whether the machine is still trusted is for its customers to say. Needs the platform's auth
/// value; the owner's is empty afterwards.
///
/// This is about the TPM, not about copies of it: a software TPM's state file from before still has the old
/// seeds.
Status deprovision(Tpm& tpm, const HierarchyAuths& auths);

/// The hierarchy's auth value becomes 32 random bytes that nobody knows: until the TPM resets for the
/// platform; until TPM2_Clear for the others.
Status randomise_auth(Tpm& tpm, Hierarchy hierarchy, const HierarchyAuths& auths);

}  // namespace sealift::tpm
