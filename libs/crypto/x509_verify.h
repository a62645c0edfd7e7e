// SPDX-License-Identifier: Apache-2.0
/// Chain verification (RFC 5280, section 6, by OpenSSL) to roots that the caller names. There is no system
/// store, no download and no default: who has given no root trusts nobody.
///
/// A refusal's field says where in the chain it happened: "chain[0]" is the certificate asked about,
/// "chain[1]" its issuer; for certificate_usage_refused and certificate_algorithm_refused it names the
/// extension or property.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "crypto/x509.h"

namespace sealift::crypto {

enum class CrlPolicy : std::uint8_t {
  required,    ///< every issuer below a root must have a current list
  where_given  ///< lists that are given count; an issuer without one is not asked for it
};

struct TrustInput {
  std::vector<Certificate> roots;          ///< self-signed or not: each is an end of chains
  std::vector<Certificate> intermediates;  ///< help to build chains; not trusted by themselves
  std::vector<Crl> crls;
  CrlPolicy crl_policy = CrlPolicy::required;
};

/// Who is trusted. Immutable, cheap to copy, usable by several threads.
class TrustedRoots {
 public:
  /// invalid_argument without roots; certificate_usage_refused for a root that is no CA or an extension
  /// that cannot be read; crl_invalid or certificate_algorithm_refused for a list that could not count.
  static Result<TrustedRoots> create(TrustInput input);
  /// What was given.
  const TrustInput& input() const noexcept;

  struct Store;
  const Store& store() const noexcept { return *store_; }

 private:
  explicit TrustedRoots(std::shared_ptr<const Store> store) : store_{std::move(store)} {}
  std::shared_ptr<const Store> store_;
};

/// At most this many further intermediates may come with the certificate.
inline constexpr std::size_t kExtraIntermediates = 16;
/// Certificates between the one asked about and its root.
inline constexpr int kChainDepth = 8;

/// The chain from `certificate` (first) to the root that vouches for it (last), checked at `time`:
/// signatures, validity, CA flags, path lengths, key usages, critical extensions, revocation. Signatures
/// below the root must be made with SHA-256 or better, keys be RSA of 2048 bits or EC of 256 bits at least.
///
/// issuer_missing names the issuer and where its certificate says it can be fetched; issuer_untrusted,
/// certificate_expired, certificate_not_yet_valid, certificate_revoked, certificate_signature_invalid,
/// certificate_usage_refused, certificate_algorithm_refused, crl_missing, crl_expired, crl_invalid.
Result<std::vector<Certificate>> verify_chain(const Certificate& certificate, const TrustedRoots& roots,
                                              TimePoint time,
                                              std::span<const Certificate> extra_intermediates = {});

/// The first second after `time` at which verify_chain() with these may give something else: one of the
/// certificates, given or shown, or of the lists begins or ends then. The greatest number where there is
/// none.
std::int64_t next_change(const TrustedRoots& roots, std::span<const Certificate> shown, TimePoint time);
std::int64_t next_change(const Validity& validity, TimePoint time);

}  // namespace sealift::crypto
