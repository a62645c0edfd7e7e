// SPDX-License-Identifier: Apache-2.0
/// Who signs the log of decisions, by name: "pkcs11:…", as protectors.h has it.
#pragma once

#include "merkle/log.h"
#include "services/securitymodule/adapters/protectors.h"

namespace sealift::securitymodule {

/// Null without an address: the database keeps the key. invalid_argument at "log-key" for another kind; as
/// open_protector(), at "log-key".
Result<std::unique_ptr<merkle::HeadSigner>> open_log_key(const std::string& address, MissingKey missing);

}  // namespace sealift::securitymodule
