// SPDX-License-Identifier: Apache-2.0
// Certificates, revocation lists and platform certificates, raw and as edits of genuine ones. Refusing is a
// right answer; believing an edited certificate is not.
#include <cstdlib>

#include "fuzz/patched.h"
#include "tee/platform_certificate.h"
#include "tests/certificates/test_pki.h"

namespace {

using namespace sealift;
using test_pki::pki;

const crypto::TrustedRoots& roots() {
  static const auto kRoots = crypto::TrustedRoots::create(pki().trust()).value();
  return kRoots;
}

void use(const crypto::Certificate& certificate) {
  static_cast<void>(certificate.subject() + certificate.issuer() + certificate.serial() + certificate.pem());
  static_cast<void>(certificate.issuer_urls());
  static_cast<void>(certificate.crl_urls());
  static_cast<void>(certificate.extended_key_usage());
  static_cast<void>(certificate.directory_alt_names());
  static_cast<void>(certificate.uri_alt_names());
  static_cast<void>(certificate.may_encrypt() || certificate.may_sign() || certificate.is_ca());
  if (const auto key = certificate.public_key()) static_cast<void>(key->der());
  const bool genuine = certificate == pki().ek_certificate ||
                       certificate == pki().intermediate.certificate() ||
                       certificate == pki().root.certificate();
  if (crypto::verify_chain(certificate, roots(), test_pki::now()) && !genuine) std::abort();
}

void use_certificate(ByteView bytes) {
  if (const auto certificate = crypto::Certificate::parse(bytes)) use(*certificate);
  if (const auto certificate = crypto::Certificate::parse_padded(bytes)) use(*certificate);
  static_cast<void>(crypto::parse_certificates(bytes));
}

void use_list(ByteView bytes) {
  const auto crl = crypto::Crl::parse(bytes);
  if (!crl) return;
  static_cast<void>(crl->issuer() + crl->pem());
  auto trust = pki().trust();
  trust.crls = {pki().root_crl, *crl};
  const auto with_it = crypto::TrustedRoots::create(trust);
  if (!with_it) return;
  if (crypto::verify_chain(pki().ek_certificate, *with_it, test_pki::now()) &&
      crl->der() != pki().intermediate_crl.der()) {
    std::abort();
  }
}

const Bytes& platform_certificate() {
  static const auto kDer =
      pki()
          .intermediate.issue_platform_certificate(pki().ek_certificate, {.validity = test_pki::kCurrent})
          .value();
  return kDer;
}

void use_platform_certificate(ByteView bytes) {
  const auto& ek_certificate = pki().ek_certificate;
  static_cast<void>(tee::platform_certificate_issuer(bytes, ek_certificate));
  const auto taken = tee::verify_platform_certificate(bytes, ek_certificate, roots(), test_pki::now());
  if (taken && !same_bytes(bytes, platform_certificate())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input{data + 1, size - 1};
  switch (data[0] % 5) {
    case 0:
      use_certificate(input);
      use_list(input);
      break;
    case 1:
      use_certificate(fuzz::patched(pki().ek_certificate.der(), input));
      break;
    case 2:
      use_list(fuzz::patched(pki().intermediate_crl.der(), input));
      break;
    case 3:
      use_platform_certificate(input);
      break;
    default:
      use_platform_certificate(fuzz::patched(platform_certificate(), input));
  }
  return 0;
}
