// SPDX-License-Identifier: Apache-2.0
#include "rpc/credential_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/file.h"

namespace sealift::rpc {
namespace {

constexpr std::size_t kKeyFileLimit = 64 * 1024;
// What a peer may send before it is known: three certificates of the largest size that we read.
constexpr long kPeerChainLimit = 3 * static_cast<long>(crypto::kCertificateLimit);
constexpr std::string_view kServerAuth = "1.3.6.1.5.5.7.3.1";
constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";

/// The error of reading `path`, naming it.
template <typename T>
Result<T> in_file(const std::filesystem::path& path, Result<T> result) {
  if (result) return result;
  auto error = std::move(result).error();
  if (error.message.find(path.string()) == std::string::npos) {
    error.message = fmt::format("{}: {}", path.string(), error.message);
  }
  return tl::unexpected(std::move(error));
}

Result<std::vector<crypto::Certificate>> read_certificates(const std::filesystem::path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, crypto::kCertificateFileLimit));
  return in_file(path, crypto::parse_certificates(bytes));
}

Result<crypto::PrivateKey> read_key(const std::filesystem::path& path) {
  SEALIFT_TRY(const auto bytes, read_secret_file(path, kKeyFileLimit));
  return in_file(path, crypto::PrivateKey::parse(bytes.expose()));
}

Result<CredentialSet::Bundle> read_bundle(const TrustFiles& files) {
  crypto::TrustInput input;
  input.crl_policy =
      files.revocation_lists.empty() ? crypto::CrlPolicy::where_given : crypto::CrlPolicy::required;
  SEALIFT_TRY(input.roots, read_certificates(files.roots));
  auto until = std::numeric_limits<std::int64_t>::max();
  for (const auto& path : files.revocation_lists) {
    SEALIFT_TRY(const auto bytes, read_file(path, crypto::kCrlLimit));
    SEALIFT_TRY(auto crl, in_file(path, crypto::Crl::parse(bytes)));
    until = std::min(until, crl.next_update());
    input.crls.push_back(std::move(crl));
  }
  SEALIFT_TRY(auto roots, in_file(files.roots, crypto::TrustedRoots::create(std::move(input))));
  return CredentialSet::Bundle{std::move(roots), files.vouches_for, until};
}

tl::unexpected<Error> unauthenticated(std::string message, std::string field) {
  return fail(ErrorCode::unauthenticated, std::move(message), std::move(field));
}

/// The identity that a certificate claims; nothing is proven by it.
Result<Identity> claimed_identity(const crypto::Certificate& certificate) {
  const auto uris = certificate.uri_alt_names();
  if (uris.size() != 1) {
    return unauthenticated(
        fmt::format("a certificate must have exactly one URI in its subjectAltName, not {}", uris.size()),
        "subjectAltName");
  }
  auto identity = parse_identity(uris.front());
  if (!identity) return unauthenticated(identity.error().message, "subjectAltName");
  return identity;
}

Status check_usage(const crypto::Certificate& certificate, Side side) {
  if (certificate.is_ca()) return unauthenticated("a CA's certificate is no peer's", "basicConstraints");
  if (!certificate.may_sign()) return unauthenticated("the certificate may not sign", "keyUsage");
  const auto usages = certificate.extended_key_usage();
  const auto wanted = side == Side::server ? kServerAuth : kClientAuth;
  if (usages.empty() || std::ranges::find(usages, wanted) != usages.end()) return {};
  return unauthenticated(
      fmt::format("the certificate is not made for TLS {}s", side == Side::server ? "server" : "client"),
      "extendedKeyUsage");
}

SslContext make_context(const std::vector<crypto::Certificate>& chain, const crypto::PrivateKey& key,
                        Side side) {
  SslContext context{
      crypto::must(SSL_CTX_new(side == Side::server ? TLS_server_method() : TLS_client_method()), "SSL_CTX")};
  auto* const raw = context.get();
  crypto::must(static_cast<int>(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION)), "TLS 1.3");
  crypto::must(static_cast<int>(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION)), "TLS 1.3");
  crypto::must(SSL_CTX_use_certificate(raw, chain.front().get()), "certificate");
  for (std::size_t i = 1; i < chain.size(); ++i) {
    crypto::must(static_cast<int>(SSL_CTX_add1_chain_cert(raw, chain[i].get())), "chain");
  }
  crypto::must(SSL_CTX_use_PrivateKey(raw, key.get()), "private key");
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(raw, judge_peer, nullptr);
  SSL_CTX_set_max_cert_list(raw, kPeerChainLimit);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  crypto::must(SSL_CTX_set_num_tickets(raw, 0), "tickets");
  SSL_CTX_set_options(
      raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
  // Thousands of idle connections must not hold 32 KiB each.
  SSL_CTX_set_mode(
      raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  return context;
}

}  // namespace

Result<std::shared_ptr<const CredentialSet>> CredentialSet::read(const CredentialFiles& files,
                                                                 TimePoint now) {
  if (files.trust.empty()) return fail(ErrorCode::invalid_argument, "no trusted root is given", "roots");
  const std::shared_ptr<CredentialSet> set{new CredentialSet};
  SEALIFT_TRY(const auto chain, read_certificates(files.certificate_chain));
  SEALIFT_TRY(const auto key, read_key(files.private_key));
  SEALIFT_TRY(const auto certified, in_file(files.certificate_chain, chain.front().public_key()));
  if (!(certified == key.public_key())) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} is not the key of {}", files.private_key.string(), files.certificate_chain.string()),
        "private_key");
  }
  SEALIFT_TRY(set->identity_, in_file(files.certificate_chain, claimed_identity(chain.front())));
  if (chain.front().not_after() < crypto::unix_seconds(now)) {
    return fail(ErrorCode::certificate_expired,
                fmt::format("{} expired at {}", files.certificate_chain.string(),
                            crypto::utc_text(chain.front().not_after())),
                "certificate_chain");
  }
  for (const auto& trust : files.trust) {
    SEALIFT_TRY(auto bundle, read_bundle(trust));
    if (!set->bundles_.emplace(trust.trust_domain, std::move(bundle)).second) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the trust domain {} is given twice", trust.trust_domain), "trust_domain");
    }
  }
  set->server_ = make_context(chain, key, Side::server);
  set->client_ = make_context(chain, key, Side::client);
  return set;
}

const CredentialSet::Bundle* CredentialSet::bundle(const std::string& trust_domain) const {
  const auto found = bundles_.find(trust_domain);
  return found == bundles_.end() ? nullptr : &found->second;
}

Result<Peer> verify_peer(std::shared_ptr<const CredentialSet> set, std::vector<crypto::Certificate> shown,
                         Side peer_side, TimePoint now) {
  if (shown.empty()) return unauthenticated("the peer shows no certificate", "certificate");
  SEALIFT_CHECK(check_usage(shown.front(), peer_side));
  SEALIFT_TRY(auto identity, claimed_identity(shown.front()));
  const auto* const bundle = set->bundle(identity.trust_domain);
  if (bundle == nullptr) {
    return unauthenticated(fmt::format("nobody is trusted to name identities of {}", identity.trust_domain),
                           "trust_domain");
  }
  if (!bundle->vouches_for.empty() &&
      std::ranges::find(bundle->vouches_for, identity.role) == bundle->vouches_for.end()) {
    return unauthenticated(
        fmt::format("{} is not trusted to name a {}", identity.trust_domain, role_name(identity.role)),
        "role");
  }
  SEALIFT_TRY(const auto chain,
              crypto::verify_chain(shown.front(), bundle->roots, now, std::span{shown}.subspan(1)));
  Peer peer;
  peer.verified_until_ = bundle->lists_until;
  for (const auto& each : chain) peer.verified_until_ = std::min(peer.verified_until_, each.not_after());
  peer.identity_ = std::move(identity);
  peer.shown_ = std::move(shown);
  peer.side_ = peer_side;
  peer.verified_by_ = std::move(set);
  return peer;
}

Status Peer::check(const std::shared_ptr<const CredentialSet>& set, TimePoint now) {
  if (verified_by_ == set && crypto::unix_seconds(now) <= verified_until_) return {};
  SEALIFT_TRY(auto again, verify_peer(set, shown_, side_, now));
  *this = std::move(again);
  return {};
}

}  // namespace sealift::rpc
