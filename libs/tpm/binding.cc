// SPDX-License-Identifier: Apache-2.0
#include "tpm/binding.h"

#include <tss2/tss2_tpm2_types.h>

namespace sealift::tpm {

Digest Binding::sealing_policy() const {
  return approver() != nullptr ? approver()->sealing_policy() : Policy{}.pcr(*values()).digest();
}

TPMT_PUBLIC Binding::storage_key_template(const Profile& profile, KeyKind kind) const {
  return approver() != nullptr ? profile.storage_key_template(kind, approver()->name())
                               : profile.storage_key_template(kind, *values());
}

std::string Binding::text() const {
  if (approver() == nullptr) return values()->text();
  return "approver " + to_hex(crypto::digest(HashAlgorithm::sha256, approver()->key().der()).view());
}

}  // namespace sealift::tpm
