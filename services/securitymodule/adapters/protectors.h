// SPDX-License-Identifier: Apache-2.0
/// Protectors by name, as the command line has them:
///
///   insecure-file:/var/lib/sealift-sm/key
///   pkcs11:token=sealift;object=root-1?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin
///   tpm:device:/dev/tpmrm0?pcrs=sha256:7
#pragma once

#include <memory>
#include <string>

#include "services/securitymodule/domain/protector.h"

namespace sealift::securitymodule {

/// What happens where the key is not there.
enum class MissingKey : std::uint8_t { refuse, make };

/// invalid_argument at "protector" for another kind, or where something of the address is missing;
/// not_found where the key is not there, permission_denied where it is not for us, unavailable where
/// nothing answers there.
Result<std::unique_ptr<Protector>> open_protector(const std::string& address, MissingKey missing);

}  // namespace sealift::securitymodule
