// SPDX-License-Identifier: Apache-2.0
#include "tests/certificates/test_pki.h"

#include <algorithm>
#include <cstdlib>

namespace sealift::test_pki {
namespace {

CertificateAuthority make_root() {
  return CertificateAuthority::create_root(ec_key(), "Test TPM Root CA", kCurrent, 1,
                                           {.certificate = {std::string{kRootUrl}}, .crl = {}})
      .value();
}

Pki make_pki() {
  auto root = make_root();
  auto intermediate = root.create_intermediate(ec_key(), "Test TPM Intermediate CA", kCurrent, 0,
                                               {.certificate = {std::string{kIntermediateUrl}},
                                                .crl = {"http://pki.example/intermediate.crl"}})
                          .value();
  auto ek = PrivateKey::generate_rsa(2048).value();
  auto certificate =
      intermediate.issue_ek_certificate(ek.public_key(), {.serial = {}, .validity = kCurrent}).value();
  auto root_crl = root.issue_crl({}, kCurrent).value();
  auto intermediate_crl = intermediate.issue_crl({}, kCurrent).value();
  return {std::move(root),        std::move(intermediate), std::move(ek),
          std::move(certificate), std::move(root_crl),     std::move(intermediate_crl)};
}

/// Length of a DER header and of what follows it; for sizes below 64 KiB.
struct Header {
  std::size_t header;
  std::size_t content;
};
Header header_of(ByteView der) {
  if (der[1] < 0x80) return {2, der[1]};
  if (der[1] == 0x81) return {3, der[2]};
  if (der[1] == 0x82) return {4, (std::size_t{der[2]} << 8U) + der[3]};
  std::abort();
}

Bytes wrapped(std::uint8_t tag, ByteView content) {
  ByteWriter out;
  out.u8(tag);
  if (content.size() < 0x80) {
    out.u8(static_cast<std::uint8_t>(content.size()));
  } else if (content.size() < 0x100) {
    out.u8(0x81).u8(static_cast<std::uint8_t>(content.size()));
  } else {
    out.u8(0x82).be16(static_cast<std::uint16_t>(content.size()));
  }
  return out.bytes(content).view();
}

}  // namespace

TrustInput Pki::trust() const {
  return {.roots = {root.certificate()},
          .intermediates = {intermediate.certificate()},
          .crls = {root_crl, intermediate_crl},
          .crl_policy = crypto::CrlPolicy::required};
}

const Pki& pki() {
  static const Pki kPki = make_pki();
  return kPki;
}

PrivateKey ec_key() { return PrivateKey::generate_ec(crypto::Curve::p256).value(); }

CertificateDraft ek_draft(const crypto::PublicKey& key, Validity validity) {
  return pki().intermediate.ek_draft(key, {.serial = {}, .validity = validity}).value();
}

Certificate issue(const CertificateDraft& draft) { return pki().intermediate.sign(draft).value(); }

void set_extension(CertificateDraft& draft, const std::string& name, const std::string& value) {
  std::erase_if(draft.extensions, [&](const auto& extension) { return extension.first == name; });
  if (!value.empty()) draft.extensions.emplace_back(name, value);
}

Bytes resigned(ByteView der, const PrivateKey& key, const std::function<void(Bytes&)>& edit) {
  const auto body = der.subspan(header_of(der).header);
  const auto [tbs_header, tbs_content] = header_of(body);
  auto tbs = to_bytes(body.first(tbs_header + tbs_content));
  const auto rest = body.subspan(tbs.size());
  const auto [algorithm_header, algorithm_content] = header_of(rest);
  edit(tbs);
  auto signature = key.sign(crypto::HashAlgorithm::sha256, tbs).value();
  signature.insert(signature.begin(), 0);  // BIT STRING: no unused bits
  return wrapped(0x30, ByteWriter{}
                           .bytes(tbs)
                           .bytes(rest.first(algorithm_header + algorithm_content))
                           .bytes(wrapped(0x03, signature))
                           .view());
}

void replace_once(Bytes& bytes, ByteView from, ByteView to) {
  const auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
  if (from.size() != to.size() || at == bytes.end()) std::abort();
  if (std::search(at + 1, bytes.end(), from.begin(), from.end()) != bytes.end()) std::abort();
  std::copy(to.begin(), to.end(), at);
}

}  // namespace sealift::test_pki
