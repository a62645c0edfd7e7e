// SPDX-License-Identifier: Apache-2.0
#include "tpm/evidence.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include "tpm/commands.h"
#include "tpm/nv_certificates.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

Result<Public> expect_key(Tpm& tpm, Handle handle, const char* field) {
  SEALIFT_TRY(auto key, find_public(tpm, handle));
  if (key) return *std::move(key);
  return fail(ErrorCode::not_found,
              fmt::format("the TPM has no key at {:#010x}: the machine is not provisioned", handle), field);
}

/// The EK that the machine shows: of those with a certificate in NV, the first.
struct ShownEk {
  NvIndex certificate;
  Handle handle;
};

Result<ShownEk> shown_ek(Tpm& tpm) {
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(auto index, find_written_index(tpm, ek.certificate_index));
    if (index) return ShownEk{*std::move(index), ek.handle};
  }
  return fail(ErrorCode::ek_certificate_missing, "the TPM holds no EK certificate", "ek_certificates");
}

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

Result<SecretBytes> activate(Tpm& tpm, const Entity& storage_key, const Entity& ek, Session& ek_session,
                             const Credential& credential) {
  auto admin = Session::empty_auth();
  auto secret = activate_credential(tpm, storage_key, admin, ek, ek_session, credential);
  if (secret || !(is_refusal(secret.error()) || is_no_failure(tpm, secret.error()))) return secret;
  return fail(ErrorCode::challenge_response_differs, "the challenge was made for other keys than this TPM's",
              "credential", secret.error().message);
}

}  // namespace

Result<Evidence> gather_evidence(Tpm& tpm, const Profile& profile) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(auto storage_key, expect_key(tpm, profile.storage_key, "storage_key"));
  SEALIFT_TRY(const auto ek, shown_ek(tpm));
  SEALIFT_TRY(auto certificates, read_ek_certificates(tpm, ek.certificate));
  SEALIFT_TRY(auto endorsement_key, expect_key(tpm, ek.handle, "endorsement_key"));
  SEALIFT_TRY(auto platform_certificate, read_platform_certificate(tpm));
  return Evidence{std::string{profile.name}, std::move(certificates), std::move(endorsement_key),
                  std::move(storage_key), std::move(platform_certificate)};
}

Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, const Public& endorsement_key,
                                     const Credential& credential, ByteView endorsement_auth) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto storage_key, expect_key(tpm, profile.storage_key, "storage_key"));
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(const auto found, find_public(tpm, ek.handle));
    if (!found || !(*found == endorsement_key)) continue;
    SEALIFT_TRY(auto ek_session, prove_ek(tpm, endorsement_key, endorsement_auth));
    return activate(tpm, {profile.storage_key, storage_key.name()}, {ek.handle, endorsement_key.name()},
                    ek_session, credential);
  }
  return fail(ErrorCode::not_found, "the TPM does not hold this endorsement key", "endorsement_key");
}

Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, ByteView credential_file,
                                     ByteView endorsement_auth) {
  SEALIFT_TRY(const auto credential, parse_credential_file(credential_file));
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto ek, shown_ek(tpm));
  SEALIFT_TRY(const auto key, expect_key(tpm, ek.handle, "endorsement_key"));
  return answer_challenge(tpm, profile, key, credential, endorsement_auth);
}

}  // namespace sealift::tpm
