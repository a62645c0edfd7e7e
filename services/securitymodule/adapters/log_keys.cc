// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/log_keys.h"

#include "services/securitymodule/adapters/pkcs11_head_signer.h"

namespace sealift::securitymodule {

Result<std::unique_ptr<merkle::HeadSigner>> open_log_key(const std::string& address, MissingKey missing) {
  if (address.empty()) return nullptr;
  if (address.starts_with("pkcs11:")) return Pkcs11HeadSigner::open(address, missing);
  return fail(ErrorCode::invalid_argument, "the log's key is in a token, \"pkcs11:…\", or in the database",
              "log-key");
}

}  // namespace sealift::securitymodule
