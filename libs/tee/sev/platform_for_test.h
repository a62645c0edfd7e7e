// SPDX-License-Identifier: Apache-2.0
/// For tests: a platform of our own making, from ARK to PDH.
#pragma once

#include "tee/sev/chain.h"

namespace sealift::sev {

/// Keys that take long to make are made once per process.
struct RootForTest {
  crypto::PrivateKey ark_key;
  crypto::PrivateKey ask_key;
  AmdCertificate ark;
  AmdCertificate ask;

  static RootForTest make(int bits, std::uint8_t id) {
    auto ark_key = crypto::PrivateKey::generate_rsa(bits).value();
    auto ask_key = crypto::PrivateKey::generate_rsa(bits).value();
    const KeyId ark_id{id};
    const KeyId ask_id{id, 1};
    auto ark = AmdCertificate::issue(Usage::ark, ark_id, ark_id, ark_key.public_key(), ark_key).value();
    auto ask = AmdCertificate::issue(Usage::ask, ask_id, ark_id, ask_key.public_key(), ark_key).value();
    return {std::move(ark_key), std::move(ask_key), std::move(ark), std::move(ask)};
  }
  /// RSA-2048, as Naples has.
  static const RootForTest& small() {
    static const auto root = make(2048, 7);
    return root;
  }
  /// RSA-4096, as Rome and later have.
  static const RootForTest& large() {
    static const auto root = make(4096, 9);
    return root;
  }
  /// Other keys than small(), under the same key IDs.
  static const RootForTest& forged() {
    static const auto root = make(2048, 7);
    return root;
  }
  PinnedRoot pin() const { return {"Test", ark.fingerprint()}; }
};

/// One machine under a root.
struct PlatformForTest {
  const RootForTest* root;
  crypto::PrivateKey cek_key;
  crypto::PrivateKey oca_key;
  crypto::PrivateKey pek_key;
  crypto::PrivateKey pdh_key;
  Certificate exported_cek;  ///< without the ASK's signature
  Certificate cek;
  Certificate oca;
  Certificate pek;
  Certificate pdh;

  static PlatformForTest make(const RootForTest& root = RootForTest::small()) {
    const auto key = [] { return crypto::PrivateKey::generate_ec(crypto::Curve::p384).value(); };
    auto cek_key = key();
    auto oca_key = key();
    auto pek_key = key();
    auto pdh_key = key();
    constexpr ApiVersion kApi{0, 24};
    auto exported = Certificate::make(Usage::cek, Algorithm::ecdsa_sha256, {}, cek_key.public_key());
    auto cek = exported.signed_by(0, Usage::ask, root.ask_key).value();
    auto oca = Certificate::make(Usage::oca, Algorithm::ecdsa_sha256, {}, oca_key.public_key())
                   .signed_by(0, Usage::oca, oca_key)
                   .value();
    auto pek = Certificate::make(Usage::pek, Algorithm::ecdsa_sha256, kApi, pek_key.public_key())
                   .signed_by(0, Usage::oca, oca_key)
                   .value()
                   .signed_by(1, Usage::cek, cek_key)
                   .value();
    auto pdh = Certificate::make(Usage::pdh, Algorithm::ecdh_sha256, kApi, pdh_key.public_key())
                   .signed_by(0, Usage::pek, pek_key)
                   .value();
    return {&root,
            std::move(cek_key),
            std::move(oca_key),
            std::move(pek_key),
            std::move(pdh_key),
            std::move(exported),
            std::move(cek),
            std::move(oca),
            std::move(pek),
            std::move(pdh)};
  }

  /// Views into this object.
  PlatformCertificates certificates() const {
    return {.pdh = pdh.bytes(),
            .pek = pek.bytes(),
            .oca = oca.bytes(),
            .cek = cek.bytes(),
            .ask = root->ask.bytes(),
            .ark = root->ark.bytes()};
  }
};

}  // namespace sealift::sev
