// SPDX-License-Identifier: Apache-2.0
/// For tests: public areas around fresh software keys.
#pragma once

#include <gtest/gtest.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>

#include "crypto/key.h"
#include "tpm/profile.h"

namespace sealift::tpm {

inline void set_numbers(TPMT_PUBLIC& area, const crypto::PublicKey& key) {
  const auto put = [](ByteView number, auto& out) {
    out.size = static_cast<std::uint16_t>(number.size());
    std::ranges::copy(number, out.buffer);
  };
  if (area.type == TPM2_ALG_RSA) {
    put(key.rsa().value().modulus, area.unique.rsa);
  } else {
    put(key.ec().value().x, area.unique.ecc.x);
    put(key.ec().value().y, area.unique.ecc.y);
  }
}

inline crypto::PrivateKey fresh_key(KeyKind kind) {
  if (kind == KeyKind::rsa2048) return crypto::PrivateKey::generate_rsa(2048).value();
  return crypto::PrivateKey::generate_ec(kind == KeyKind::p256 ? crypto::Curve::p256 : crypto::Curve::p384)
      .value();
}

inline PcrValues some_pcrs() { return PcrValues::parse("sha256:6=" + std::string(64, 'a')).value(); }

/// A storage key of the firmware profile.
inline Public storage_key_of(const crypto::PrivateKey& key, KeyKind kind) {
  auto area = firmware_profile().storage_key_template(kind, some_pcrs());
  set_numbers(area, key.public_key());
  return Public::from_template(area).value();
}

}  // namespace sealift::tpm
