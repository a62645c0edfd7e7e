// SPDX-License-Identifier: Apache-2.0
#include "tpm/wrapping_key.h"

#include <tss2/tss2_tpm2_types.h>

#include <array>

#include "crypto/random.h"
#include "tpm/areas.h"
#include "tpm/commands.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

constexpr std::uint16_t kRsaBits = 2048;
constexpr std::size_t kLongestPlaintext = kRsaBits / 8;

Digest branch(std::uint32_t command) { return Policy{}.command_code(command).auth_value().digest(); }

Status policy_auth_value(Tpm& tpm, const Session& policy) {
  TpmCommand command{"TPM2_PolicyAuthValue", TPM2_CC_PolicyAuthValue};
  SEALIFT_TRY(const auto response, command.handle(policy.handle()).run(tpm));
  return {};
}

/// CreatePrimary with an auth value for the new key.
Result<Primary> create_with_password(Tpm& tpm, const Entity& hierarchy, Session& session, ByteView password) {
  SEALIFT_TRY(const auto wanted, Public::from_template(wrapping_key_template()));
  TpmCommand command{"TPM2_CreatePrimary", TPM2_CC_CreatePrimary};
  const auto sensitive_size = static_cast<std::uint16_t>(2 + password.size() + 2);
  command.authorize(hierarchy, session).be16(sensitive_size).sized(password).sized({});
  command.bytes(wanted.tpm2b()).sized({}).be32(0).returns_handle();  // no outside info, no creation PCRs
  SEALIFT_TRY(const auto response, command.run(tpm));
  auto reader = response.reader();
  SEALIFT_TRY(const auto size, reader.be16());
  SEALIFT_TRY(const auto body, reader.take(size));
  ByteWriter writer;
  auto made = Public::parse(writer.sized16(body).view());
  if (!made) {
    (void)flush_context(tpm, response.handle());
    return tl::unexpected(std::move(made).error());
  }
  LoadedObject object{tpm, response.handle(), made->name()};
  return Primary{std::move(object), *std::move(made)};
}

/// Whatever is at the key's place goes.
Status evict(Tpm& tpm, const Entity& authority) {
  SEALIFT_TRY(const auto found, find_public(tpm, kWrappingKey));
  if (!found) return {};
  SEALIFT_TRY(auto session, Session::start_hmac(tpm, authority));
  session.end_with_next_command();
  return make_persistent(tpm, authority, session, {kWrappingKey, found->name()}, kWrappingKey);
}

tl::unexpected<Error> refused(const Error& error) {
  if (is_rc(error, "TPM_RC_BAD_AUTH") || is_rc(error, "TPM_RC_AUTH_FAIL"))
    return fail(ErrorCode::boot_password_refused, "the wrapping key's password is not this boot's",
                "wrapping_key", error.message);
  if (is_refusal(error) || is_rc(error, "TPM_RC_FAILURE"))
    return fail(ErrorCode::sealed_data_refused, "the lockbox does not open with this machine's wrapping key",
                "lockbox", error.message);
  return tl::unexpected(error);
}

}  // namespace

const WrappingKeyPolicies& wrapping_key_policies() {
  static const auto policies = [] {
    const std::array branches{branch(TPM2_CC_RSA_Decrypt), branch(TPM2_CC_ObjectChangeAuth)};
    return WrappingKeyPolicies{branches[0], branches[1], Policy::any_of(branches).value().digest()};
  }();
  return policies;
}

TPMT_PUBLIC wrapping_key_template() {
  TPMT_PUBLIC area{};
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA;
  area.authPolicy = to_tpm(wrapping_key_policies().either);
  area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;  // the lockbox's scheme comes with each use
  area.parameters.rsaDetail.keyBits = kRsaBits;
  area.unique.rsa.size = kRsaBits / 8;
  return area;
}

Result<WrappingKey> renew_wrapping_key(Tpm& tpm, const HierarchyAuths& auths) {
  const Tpm::Turn turn{tpm};
  constexpr auto kPlatform = Hierarchy::platform;
  const auto authority = Entity::permanent(static_cast<Handle>(kPlatform), auths.of(kPlatform));
  auto password = crypto::random_secret<kWrappingPasswordSize>();
  SEALIFT_TRY(auto creating, Session::start_hmac(tpm, authority));
  creating.end_with_next_command();
  creating.encrypt_next_command();
  SEALIFT_TRY(auto primary, create_with_password(tpm, authority, creating, password.expose()));
  SEALIFT_CHECK(evict(tpm, authority));
  SEALIFT_TRY(auto keeping, Session::start_hmac(tpm, authority));
  keeping.end_with_next_command();
  SEALIFT_CHECK(make_persistent(tpm, authority, keeping, primary.object.entity(), kWrappingKey));
  return WrappingKey{std::move(primary.area), std::move(password)};
}

Result<Public> read_wrapping_key(Tpm& tpm) {
  SEALIFT_TRY(auto found, find_public(tpm, kWrappingKey));
  if (found) return *std::move(found);
  return fail(ErrorCode::not_found, "the TPM has no wrapping key: the machine is no pef host",
              "wrapping_key");
}

Result<SecretBytes> decrypt_by_wrapping_key(Tpm& tpm, const Public& key,
                                            const Secret<kWrappingPasswordSize>& password,
                                            ByteView ciphertext) {
  const Tpm::Turn turn{tpm};
  const Entity entity{kWrappingKey, key.name(), password.expose()};
  const auto& policies = wrapping_key_policies();
  SEALIFT_TRY(auto session, Session::start_policy(tpm, entity));
  SEALIFT_CHECK(policy_command_code(tpm, session, TPM2_CC_RSA_Decrypt));
  SEALIFT_CHECK(policy_auth_value(tpm, session));
  SEALIFT_CHECK(policy_or(tpm, session, std::array{policies.decrypt, policies.change_auth}));
  session.end_with_next_command();
  session.encrypt_next_response();
  TpmCommand command{"TPM2_RSA_Decrypt", TPM2_CC_RSA_Decrypt};
  command.authorize(entity, session).sized(ciphertext).be16(TPM2_ALG_OAEP).be16(TPM2_ALG_SHA256).sized({});
  const auto response = command.run(tpm);
  if (!response) return refused(response.error());
  auto reader = response->reader();
  SEALIFT_TRY(const auto plaintext, reader.sized16(kLongestPlaintext));
  SEALIFT_CHECK(reader.expect_end());
  return SecretBytes::copy_of(plaintext);
}

}  // namespace sealift::tpm
