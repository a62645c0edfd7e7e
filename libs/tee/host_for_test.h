// SPDX-License-Identifier: Apache-2.0
/// For tests: a host whose "TPM" is software that follows the rules, with an EK certificate of the test PKI.
#pragma once

#include "base/secret.h"
#include "crypto/cipher.h"
#include "crypto/kdf.h"
#include "tee/measured.h"
#include "tests/certificates/test_pki.h"
#include "tpm/evidence.h"
#include "tpm/keys_for_test.h"

namespace sealift::tee {

struct HostForTest {
  crypto::PrivateKey ek = tpm::fresh_key(tpm::KeyKind::rsa2048);
  crypto::Certificate ek_certificate =
      test_pki::pki()
          .intermediate.issue_ek_certificate(ek.public_key(), {.serial = {}, .validity = test_pki::kCurrent})
          .value();
  tpm::Public ek_public = tpm::endorsement_key_area(ek.public_key()).value();
  tpm::Public storage_key = tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::p256), tpm::KeyKind::p256);

  Bytes platform_certificate() const {
    return test_pki::pki()
        .intermediate.issue_platform_certificate(ek_certificate, {.validity = test_pki::kCurrent})
        .value();
  }
  PlatformEvidence platform() const { return {{ek_certificate.der()}, ek_public}; }
  Bytes evidence() const {
    return to_bytes(
        as_bytes(tpm::to_json(tpm::Evidence{"firmware", {ek_certificate.der()}, ek_public, storage_key})));
  }
  /// What TPM2_ActivateCredential does (TPM 2.0 Part 1, clause 24), with the object called `loaded`.
  Result<Bytes> activate(const tpm::Credential& credential, const tpm::Name& loaded) const {
    using crypto::HashAlgorithm;
    constexpr char kLabel[] = "IDENTITY";
    ByteReader reader{credential.secret};
    SEALIFT_TRY(const auto encrypted_seed, reader.sized16(512));
    SEALIFT_TRY(const auto seed,
                ek.oaep_decrypt(HashAlgorithm::sha256, as_bytes({kLabel, sizeof kLabel}), encrypted_seed));
    ByteReader object{ByteView{credential.id_object}.subspan(2)};
    SEALIFT_TRY(const auto integrity, object.sized16(64));
    auto identity = to_bytes(object.rest());
    const auto mac_key = crypto::kdfa(HashAlgorithm::sha256, seed.expose(), "INTEGRITY", {}, {}, 32);
    const auto mac = crypto::hmac(HashAlgorithm::sha256, mac_key.expose(), {identity, loaded.view()});
    if (!same_bytes(mac.view(), integrity))
      return fail(ErrorCode::challenge_response_differs, "TPM_RC_INTEGRITY");
    const auto key = crypto::kdfa(HashAlgorithm::sha256, seed.expose(), "STORAGE", loaded.view(), {}, 16);
    crypto::cfb_decrypt(key.expose(), Bytes(16, 0), identity);
    return Bytes(identity.begin() + 2, identity.end());
  }
  Result<Bytes> activate(const tpm::Credential& credential) const {
    return activate(credential, storage_key.name());
  }

  static TrustedRoots roots() { return TrustedRoots::create(test_pki::pki().trust()).value(); }
  static MeasuredPolicy policy() { return {roots(), &tpm::firmware_profile(), tpm::some_pcrs()}; }
  Challenge challenge(std::chrono::seconds lifetime = kChallengeLifetime) const {
    const auto verified = VerifiedPlatform::verify(platform(), roots(), test_pki::now()).value();
    const auto key =
        VerifiedStorageKey::verify(storage_key, tpm::firmware_profile(), tpm::some_pcrs()).value();
    return Challenge::create(verified, key, test_pki::now(), lifetime).value();
  }
};

/// The one of this process: an RSA key takes its time.
inline const HostForTest& host() {
  static const HostForTest one;
  return one;
}

/// `key` with a changed public area.
template <typename Change>
tpm::Public changed(const tpm::Public& key, Change change) {
  auto area = key.area();
  change(area);
  return tpm::Public::from_template(area).value();
}

}  // namespace sealift::tee
