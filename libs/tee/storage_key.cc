// SPDX-License-Identifier: Apache-2.0
#include "tee/storage_key.h"

#include "tee/public_area.h"

namespace sealift::tee {
namespace {

ErrorCode code_for(AreaDifference::Kind kind) {
  switch (kind) {
    case AreaDifference::Kind::algorithm:
      return ErrorCode::storage_key_algorithm_refused;
    case AreaDifference::Kind::attribute:
      return ErrorCode::storage_key_attributes_refused;
    case AreaDifference::Kind::policy:
      return ErrorCode::storage_key_policy_differs;
  }
  return ErrorCode::internal;
}

}  // namespace

Result<VerifiedStorageKey> VerifiedStorageKey::verify(const tpm::Public& key, const tpm::Profile& profile,
                                                      const tpm::Binding& approved) {
  const auto kind = key.area().type == TPM2_ALG_ECC ? tpm::KeyKind::p256 : tpm::KeyKind::rsa2048;
  const auto difference = first_difference(key.area(), approved.storage_key_template(profile, kind));
  if (difference) {
    return differs(code_for(difference->kind), "the storage key's " + difference->message, difference->field,
                   difference->expected, difference->found);
  }
  const auto numbers = key.key();
  // An RSA modulus with leading zeros is shorter than it says.
  if (!numbers || (kind == tpm::KeyKind::rsa2048 && numbers->bits() != 2048)) {
    return fail(ErrorCode::storage_key_algorithm_refused,
                "the storage key's numbers are not those of such a key", "unique",
                numbers ? "" : numbers.error().message);
  }
  return VerifiedStorageKey{key, profile, approved};
}

}  // namespace sealift::tee
