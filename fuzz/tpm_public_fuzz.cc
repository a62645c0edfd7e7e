// SPDX-License-Identifier: Apache-2.0
// Refusing a public area is a right answer. Crashing is not, nor is accepting one that is not canonical.
#include <cstdlib>

#include "tpm/profile.h"
#include "tpm/seal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto area = sealift::tpm::Public::parse({data, size});
  if (!area) return 0;
  if (!sealift::same_bytes(area->tpm2b(), {data, size})) std::abort();
  const auto again = sealift::tpm::Public::from_template(area->area());
  if (!again || again->name() != area->name()) std::abort();
  (void)area->key();
  for (const auto& ek : sealift::tpm::endorsement_keys()) (void)ek.made(*area);
  const auto parent = sealift::tpm::StorageKey::prepare(*area);
  if (!parent) return 0;
  const sealift::Bytes secret(32);
  (void)parent->seal(secret, sealift::tpm::Policy{}.digest());
  return 0;
}
