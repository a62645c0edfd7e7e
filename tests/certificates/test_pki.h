// SPDX-License-Identifier: Apache-2.0
/// For tests: a root, an intermediate CA and an EK certificate, all good, and a gallery of what can be wrong
/// with them. Made anew in every run, so nothing of it expires, and no key of it is in the repository.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/x509_issue.h"
#include "crypto/x509_verify.h"

namespace sealift::test_pki {

using crypto::Certificate;
using crypto::CertificateAuthority;
using crypto::CertificateDraft;
using crypto::Crl;
using crypto::PrivateKey;
using crypto::TrustInput;
using crypto::Validity;

/// The time in this world: 2026-06-01T00:00:00Z.
inline constexpr std::int64_t kNow = 1780272000;
inline constexpr std::int64_t kDay = 86400;
inline TimePoint now() { return TimePoint{std::chrono::seconds{kNow}}; }
/// From 100 days ago to 100 days ahead.
inline constexpr Validity kCurrent{kNow - 100 * kDay, kNow + 100 * kDay};
inline constexpr Validity kPast{kNow - 100 * kDay, kNow - kDay};
inline constexpr Validity kFuture{kNow + kDay, kNow + 100 * kDay};
/// Where the intermediate CA's certificate would be.
inline constexpr std::string_view kIntermediateUrl = "http://pki.example/intermediate.cer";
inline constexpr std::string_view kRootUrl = "http://pki.example/root.cer";

struct Pki {
  CertificateAuthority root;
  CertificateAuthority intermediate;
  PrivateKey ek;  ///< RSA-2048
  Certificate ek_certificate;
  Crl root_crl;
  Crl intermediate_crl;

  /// Trusts the root, knows the intermediate and both lists, requires lists.
  TrustInput trust() const;
};
/// The one of this process.
const Pki& pki();

PrivateKey ec_key();
CertificateDraft ek_draft(const crypto::PublicKey& key, Validity validity = kCurrent);
/// Of pki().intermediate.
Certificate issue(const CertificateDraft& draft);
/// Sets the extension `name` of the draft; an empty value removes it.
void set_extension(CertificateDraft& draft, const std::string& name, const std::string& value);

/// The certificate or list `der` after `edit` changed its to-be-signed part, signed anew (ECDSA with SHA-256,
/// as the EC keys of this PKI do it): what a careless encoder with the right key would issue.
Bytes resigned(ByteView der, const PrivateKey& key, const std::function<void(Bytes&)>& edit);
/// Replaces the only occurrence of `from` by `to` (of the same length).
void replace_once(Bytes& bytes, ByteView from, ByteView to);

/// One thing that is wrong, and what must be reported.
struct Exhibit {
  std::string name;  ///< for the test's name: "ExpiredIntermediate"
  ErrorCode code;
  std::string field;
  Bytes certificate;  ///< DER
  TrustInput trust;
  std::vector<std::string> message_has = {};  ///< the message must name these
};
/// What chain verification must refuse; the EK certificate's own form is right in all of them.
std::vector<Exhibit> bad_chains();
/// Chains that hold, but not for an EK certificate.
std::vector<Exhibit> bad_usages();
/// Revocation lists that must not even be taken into the trust.
std::vector<Exhibit> bad_crls();

/// What vendors issue against the letter of X.690 and RFC 5280, and we accept.
struct Oddity {
  std::string name;
  std::string reason;  ///< who does it, and why it is harmless
  Bytes certificate;   ///< as in the TPM's NV
  TrustInput trust;
};
std::vector<Oddity> oddities();

}  // namespace sealift::test_pki
