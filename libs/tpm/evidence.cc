// SPDX-License-Identifier: Apache-2.0
#include "tpm/evidence.h"

#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include "tpm/commands.h"
#include "tpm/nv.h"
#include "tpm/response_code.h"

namespace sealift::tpm {
namespace {

constexpr std::size_t kCertificateLimit = 16 * 1024;

/// The certificate's NV index may be larger than the certificate: what follows its DER is filling.
Result<Bytes> certificate_in(Bytes contents) {
  ByteReader reader{contents};
  const auto tag = reader.be16();
  // SEQUENCE with a length of two bytes: what every certificate of more than 255 bytes starts with.
  if (!tag || *tag != 0x3082) {
    return fail(ErrorCode::ek_certificate_malformed, "the NV index holds no DER certificate",
                "ek_certificates");
  }
  SEALIFT_TRY(const auto length, reader.be16());
  if (!reader.take(length)) {
    return fail(ErrorCode::ek_certificate_malformed, "the EK certificate in NV ends too early",
                "ek_certificates");
  }
  contents.resize(reader.position());
  return contents;
}

Result<Bytes> read_certificate(Tpm& tpm, const NvIndex& index) {
  if (index.size > kCertificateLimit) {
    return fail(ErrorCode::too_large,
                fmt::format("NV index {:#010x} is too large for a certificate", index.index),
                "ek_certificates");
  }
  SEALIFT_TRY(auto contents, nv_read_all(tpm, index));
  return certificate_in(std::move(contents));
}

Result<Public> expect_key(Tpm& tpm, Handle handle, const char* field) {
  SEALIFT_TRY(auto key, find_public(tpm, handle));
  if (key) return *std::move(key);
  return fail(ErrorCode::not_found,
              fmt::format("the TPM has no key at {:#010x}: the machine is not provisioned", handle), field);
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

}  // namespace

Result<Evidence> gather_evidence(Tpm& tpm, const Profile& profile) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(auto storage_key, expect_key(tpm, profile.storage_key, "storage_key"));
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(const auto index, find_nv_index(tpm, ek.certificate_index));
    if (!index) continue;
    SEALIFT_TRY(auto certificate, read_certificate(tpm, *index));
    SEALIFT_TRY(auto key, expect_key(tpm, ek.handle, "endorsement_key"));
    return Evidence{
        std::string{profile.name}, {std::move(certificate)}, std::move(key), std::move(storage_key)};
  }
  return fail(ErrorCode::ek_certificate_missing, "the TPM holds no EK certificate", "ek_certificates");
}

Result<SecretBytes> answer_challenge(Tpm& tpm, const Profile& profile, const Public& endorsement_key,
                                     const Credential& credential, ByteView endorsement_auth) {
  const Tpm::Turn turn{tpm};
  SEALIFT_TRY(const auto storage_key, expect_key(tpm, profile.storage_key, "storage_key"));
  for (const auto& ek : endorsement_keys()) {
    SEALIFT_TRY(const auto found, find_public(tpm, ek.handle));
    if (!found || !(*found == endorsement_key)) continue;
    SEALIFT_TRY(auto ek_session, prove_ek(tpm, endorsement_key, endorsement_auth));
    auto admin = Session::empty_auth();
    auto secret = activate_credential(tpm, {profile.storage_key, storage_key.name()}, admin,
                                      {ek.handle, endorsement_key.name()}, ek_session, credential);
    if (!secret && is_refusal(secret.error())) {
      return fail(ErrorCode::challenge_response_differs,
                  "the challenge was made for other keys than this TPM's", "credential",
                  secret.error().message);
    }
    return secret;
  }
  return fail(ErrorCode::not_found, "the TPM does not hold this endorsement key", "endorsement_key");
}

}  // namespace sealift::tpm
