// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/protectors.h"

#include "services/securitymodule/adapters/key_file.h"
#include "services/securitymodule/adapters/pkcs11_protector.h"
#include "services/securitymodule/adapters/tpm_protector.h"

namespace sealift::securitymodule {
namespace {

constexpr std::string_view kFile = "insecure-file:";
constexpr std::string_view kPkcs11 = "pkcs11:";
constexpr std::string_view kTpm = "tpm:";

template <typename T>
Result<std::unique_ptr<Protector>> owned(Result<T> protector) {
  if (!protector) return tl::unexpected(std::move(protector).error());
  return std::make_unique<T>(*std::move(protector));
}

Result<KeyFileProtector> open_file_protector(const std::filesystem::path& path, MissingKey missing) {
  if (path.empty()) return fail(ErrorCode::invalid_argument, "the protector names no file", "protector");
  if (missing == MissingKey::make) {
    const auto made = KeyFileProtector::create(path);
    if (!made && made.error().code != ErrorCode::already_exists) return tl::unexpected(made.error());
  }
  return KeyFileProtector::open(path);
}

}  // namespace

Result<std::unique_ptr<Protector>> open_protector(const std::string& address, MissingKey missing) {
  if (address.starts_with(kFile)) return owned(open_file_protector(address.substr(kFile.size()), missing));
  if (address.starts_with(kPkcs11)) return owned(Pkcs11Protector::open(address, missing));
  if (address.starts_with(kTpm)) return owned(TpmProtector::open(address.substr(kTpm.size())));
  return fail(ErrorCode::invalid_argument,
              "a protector is \"pkcs11:…\", \"tpm:TCTI\" or \"insecure-file:PATH\"", "protector");
}

}  // namespace sealift::securitymodule
