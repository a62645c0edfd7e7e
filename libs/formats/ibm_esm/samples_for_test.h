// SPDX-License-Identifier: Apache-2.0
/// Keys and recipients for tests.
#pragma once

#include <string>

#include "formats/ibm_esm/opened.h"

namespace sealift::ibm_esm::samples {

/// One key pair per process and index: making RSA keys is slow.
inline const crypto::PrivateKey& key(std::size_t index = 0) {
  static const std::array<crypto::PrivateKey, 2> kKeys{crypto::PrivateKey::generate_rsa(2048).value(),
                                                       crypto::PrivateKey::generate_rsa(2048).value()};
  return kKeys.at(index);
}

inline Recipient recipient(std::size_t index = 0, const std::string& comment = {}) {
  return Recipient::from_pem(as_bytes(key(index).public_key().pem()), comment).value();
}

}  // namespace sealift::ibm_esm::samples
