// SPDX-License-Identifier: Apache-2.0
/// Insertion keys by name, as the command line has them:
///
///   pkcs11:token=sealift;object=insertion?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin
///   tpm:device:/dev/tpmrm0?pcrs=sha256:7,11
///   insecure-file:/var/lib/sealift-sm/insertion-key.pem
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "services/securitymodule/adapters/protectors.h"
#include "services/securitymodule/domain/insertion_key.h"

namespace sealift::securitymodule {

struct InsertionKeyOptions {
  std::string address;                 ///< empty: none
  std::filesystem::path certificates;  ///< for it, where it is not the TPM that proves it
};

/// Null without an address. invalid_argument at "insertion-key" or "insertion-certificates"; as
/// open_protector(), at "insertion-key"; failed_precondition where the certificates are another key's.
Result<std::unique_ptr<InsertionKey>> open_insertion_key(const InsertionKeyOptions& options);
/// The public half of one that is certified, for who shall certify it; made where that is asked for.
Result<crypto::PublicKey> insertion_key_to_certify(const std::string& address, MissingKey missing);

}  // namespace sealift::securitymodule
