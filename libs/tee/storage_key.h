// SPDX-License-Identifier: Apache-2.0
/// Is this the kind of key to seal to? (Design section 6, enrolment, second half.)
#pragma once

#include "tpm/binding.h"
#include "tpm/types.h"

namespace sealift::tee {

/// A storage key that is, field by field, what the verifier computes from a profile and the states that
/// it approves of: PCR values, or those that an approver signs. Nothing of that is taken from the host. Only
/// verify() can make one.
///
/// Refused, naming the first differing field: storage_key_attributes_refused (the attribute's TCG name,
/// "fixedTPM"; bits that TCG reserves are "reserved"), storage_key_algorithm_refused ("type", "keyBits",
/// "curveID", "nameAlg", "symmetric", "scheme", "kdf", "exponent", "unique"), storage_key_policy_differs
/// ("authPolicy").
///
/// Not proven here: that the key lives in a TPM at all. A program can claim any attributes; the challenge
/// (tee/challenge.h) finds that out.
class VerifiedStorageKey {
 public:
  static Result<VerifiedStorageKey> verify(const tpm::Public& key, const tpm::Profile& profile,
                                           const tpm::Binding& approved);

  const tpm::Public& key() const noexcept { return key_; }
  const tpm::Name& name() const noexcept { return key_.name(); }
  const tpm::Profile& profile() const noexcept { return *profile_; }
  /// The states that the key's own policy demands.
  const tpm::Binding& approved() const noexcept { return approved_; }

 private:
  VerifiedStorageKey(tpm::Public key, const tpm::Profile& profile, tpm::Binding approved)
      : key_{std::move(key)}, profile_{&profile}, approved_{std::move(approved)} {}
  tpm::Public key_;
  const tpm::Profile* profile_;  // one of the two that tpm/profile.h defines
  tpm::Binding approved_;
};

}  // namespace sealift::tee
