// SPDX-License-Identifier: Apache-2.0
#include "services/securitymodule/adapters/pkcs11_head_signer.h"

#include <array>

#include "crypto/signature.h"

namespace sealift::securitymodule {
namespace {

constexpr std::size_t kNumberSize = 32;

tl::unexpected<Error> here(Error error) {
  if (error.field == "protector") error.field = "log-key";
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<merkle::HeadSigner>> Pkcs11HeadSigner::open(const std::string& uri,
                                                                   MissingKey missing) {
  auto token = Pkcs11Token::open(uri, missing, TokenKey::signing);
  if (!token) return here(token.error());
  auto key = (*token)->public_key();
  if (!key) return here(key.error());
  return std::unique_ptr<merkle::HeadSigner>{new Pkcs11HeadSigner{*std::move(token), *std::move(key)}};
}

Result<Bytes> Pkcs11HeadSigner::sign(ByteView message) const {
  auto digest = to_bytes(crypto::digest(crypto::HashAlgorithm::sha256, message).view());
  std::array<std::uint8_t, 2 * kNumberSize> numbers{};
  CK_ULONG size = numbers.size();
  const std::lock_guard lock{mutex_};
  const auto code = token_->run([&](const auto& module, auto session, auto key) {
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    const auto begun = module.C_SignInit(session, &mechanism, key);
    if (begun != CKR_OK) return begun;
    size = numbers.size();
    return module.C_Sign(session, digest.data(), digest.size(), numbers.data(), &size);
  });
  if (!code) return here(code.error());
  if (*code != CKR_OK) return here(fail_pkcs11("C_Sign", *code).value());
  if (size != numbers.size()) return fail(ErrorCode::internal, "the token signs to another size", "log-key");
  const ByteView both{numbers};
  return crypto::ecdsa_der({to_bytes(both.first(kNumberSize)), to_bytes(both.last(kNumberSize))});
}

}  // namespace sealift::securitymodule
