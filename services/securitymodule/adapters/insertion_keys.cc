// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/insertion_keys.h"

#include "services/securitymodule/adapters/certified_insertion_key.h"
#include "services/securitymodule/adapters/state_insertion_key.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kFile = "insecure-file:";
constexpr std::string_view kPkcs11 = "pkcs11:";
constexpr std::string_view kTpm = "tpm:";
constexpr const char* kField = "insertion-key";

tl::unexpected<Error> here(Error error) {
  if (error.field == "protector" || error.field.empty()) error.field = kField;
  return tl::unexpected(std::move(error));
}

Result<std::unique_ptr<CertifiedInsertionKey>> open_certified(const std::string& address,
                                                              MissingKey missing) {
  Result<std::unique_ptr<CertifiedInsertionKey>> key =
      fail(ErrorCode::invalid_argument,
           "an insertion key is \"pkcs11:…\", \"tpm:TCTI\" or \"insecure-file:PATH\"", kField);
  if (address.starts_with(kFile)) key = FileInsertionKey::open(address.substr(kFile.size()), missing);
  if (address.starts_with(kPkcs11)) key = Pkcs11InsertionKey::open(address, missing);
  if (!key) return here(key.error());
  return key;
}

}  // namespace

Result<std::unique_ptr<InsertionKey>> open_insertion_key(const InsertionKeyOptions& options) {
  if (options.address.empty()) return nullptr;
  if (options.address.starts_with(kTpm)) {
    if (!options.certificates.empty())
      return fail(ErrorCode::invalid_argument, "a TPM has its certificates itself", "insertion-certificates");
    auto key = StateInsertionKey::open(options.address.substr(kTpm.size()));
    if (!key) return here(key.error());
    return key;
  }
  SEALIFT_TRY(auto key, open_certified(options.address, MissingKey::refuse));
  if (options.certificates.empty())
    return fail(ErrorCode::invalid_argument,
                "--insertion-certificates is required: who vouches for the insertion key",
                "insertion-certificates");
  SEALIFT_CHECK(key->take_certificates(options.certificates));
  return key;
}

Result<crypto::PublicKey> insertion_key_to_certify(const std::string& address, MissingKey missing) {
  if (address.starts_with(kTpm))
    return fail(ErrorCode::invalid_argument, "a TPM proves its insertion keys itself: nobody certifies them",
                kField);
  SEALIFT_TRY(const auto key, open_certified(address, missing));
  return key->key();
}

}  // namespace sealift::securitymodule
