// SPDX-License-Identifier: Apache-2.0
#include "tpm/ek.h"

#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

/// What lets its user use an EK: the templates of the low range have the policy PolicySecret(endorsement),
/// those of the high range an empty auth value as well (EK Credential Profile, annex B.3 and B.4).
Result<Session> prove_ek(Tpm& tpm, const Public& ek, ByteView endorsement_auth) {
  if ((ek.area().objectAttributes & TPMA_OBJECT_USERWITHAUTH) != 0) return Session::empty_auth();
  const auto endorsement = Entity::permanent(static_cast<Handle>(Hierarchy::endorsement), endorsement_auth);
  SEALIFT_TRY(auto policy, Session::start_policy(tpm, endorsement));
  SEALIFT_TRY(auto proof, Session::start_hmac(tpm, endorsement));
  proof.end_with_next_command();
  SEALIFT_CHECK(policy_secret(tpm, endorsement, proof, policy));
  policy.end_with_next_command();
  return policy;
}

/// libtpms reports a ciphertext that is not for its RSA key as a failure of its own, and works on.
bool is_no_failure(Tpm& tpm, const Error& error) {
  return is_rc(error, "TPM_RC_FAILURE") && get_random(tpm, 8).has_value();
}

}  // namespace

Result<ShownEk> shown_ek(Tpm& tpm) {
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(auto index, find_written_index(tpm, ek.certificate_index));
    if (index) return ShownEk{&ek, *std::move(index)};
  }
  return fail(ErrorCode::ek_certificate_missing, "the TPM holds no EK certificate", "ek_certificates");
}

Result<SecretBytes> open_credential(Tpm& tpm, const Entity& subject, const Entity& ek, const Public& ek_area,
                                    const Credential& credential, ByteView endorsement_auth) {
  SEALIFT_TRY(auto ek_session, prove_ek(tpm, ek_area, endorsement_auth));
  auto admin = Session::empty_auth();
  auto secret = activate_credential(tpm, subject, admin, ek, ek_session, credential);
  if (secret || !(is_refusal(secret.error()) || is_no_failure(tpm, secret.error()))) return secret;
  return fail(ErrorCode::challenge_response_differs, "the challenge was made for other keys than this TPM's",
              "credential", secret.error().message);
}

}  // namespace sealift::tpm
