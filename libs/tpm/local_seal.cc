// SPDX-License-Identifier: Apache-2.0
#include "tpm/local_seal.h"

#include <fmt/core.h>

#include "tpm/areas.h"
#include "tpm/commands.h"
#include "tpm/response_code.h"
#include "tpm/unseal.h"

namespace sealift::tpm {
namespace {

TPMT_PUBLIC primary_template() {
  constexpr TPMA_OBJECT kAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                      TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                      TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  return restricted_decryption_key({KeyKind::p256, HashAlgorithm::sha256, kAttributes, 128}, {});
}

Result<Primary> make_storage_primary(Tpm& tpm) {
  auto session = Session::empty_auth();
  return create_primary(tpm, Entity::permanent(TPM2_RH_OWNER), session, primary_template());
}

tl::unexpected<Error> refused(const Error& cause) {
  if (!is_refusal(cause) && !is_rc(cause, "TPM_RC_SENSITIVE") && !is_rc(cause, "TPM_RC_FAILURE"))
    return tl::unexpected(cause);
  return fail(ErrorCode::sealed_data_refused, "the TPM does not accept the data for its storage primary",
              "sealed_data", cause.message);
}

Result<LoadedObject> load_sealed(Tpm& tpm, const Primary& parent, const SealedData& data,
                                 const Public& area) {
  auto session = Session::empty_auth();
  const auto object = import_object(tpm, parent.object.entity(), session, data);
  if (!object) return refused(object.error());
  auto loaded = load(tpm, parent.object.entity(), session, *object, area);
  if (!loaded) return refused(loaded.error());
  return loaded;
}

}  // namespace

Result<Public> storage_primary(Tpm& tpm) {
  SEALIFT_TRY(auto primary, make_storage_primary(tpm));
  return std::move(primary.area);
}

Result<SecretBytes> unseal_locally(Tpm& tpm, const Name& parent, const SealedData& data,
                                   const PcrSelection& pcrs) {
  const Tpm::Turn turn{tpm};
  const auto area = Public::parse(data.public_area);
  if (!area) return fail(ErrorCode::sealed_data_refused, "the sealed data are damaged", "sealed_data");
  SEALIFT_TRY(const auto primary, make_storage_primary(tpm));
  if (primary.area.name() != parent)
    return fail(ErrorCode::not_found,
                "the data are sealed to another TPM, or to this one before it was cleared", "tpm");
  SEALIFT_TRY(const auto object, load_sealed(tpm, primary, data, *area));
  SEALIFT_TRY(auto policy, Session::start_salted_policy(tpm, primary.object.handle(), primary.area));
  const PcrObjectPolicy state{pcrs};
  SEALIFT_CHECK(state.satisfy(tpm, policy));
  policy.encrypt_next_response();
  policy.end_with_next_command();
  auto secret = unseal_object(tpm, object.entity(), policy);
  if (secret) return secret;
  if (!is_rc(secret.error(), "TPM_RC_POLICY_FAIL")) return refused(secret.error());
  return tl::unexpected(state.refusal(tpm, area->policy()));
}

}  // namespace sealift::tpm
