// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: one state of the credentials, and what a peer's certificate proves under it.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <optional>

#include "crypto/openssl.h"
#include "crypto/x509_verify.h"
#include "rpc/credentials.h"

namespace sealift::rpc {

using SslContext = std::unique_ptr<SSL_CTX, crypto::FreeWith<SSL_CTX_free>>;

enum class Side : std::uint8_t { server, client };

/// A peer whose certificate was checked; only verify_peer makes one.
class Peer {
 public:
  const Identity& identity() const noexcept { return identity_; }
  /// Still so under `set` at `now`? Cheap while nothing changed.
  Status check(const std::shared_ptr<const CredentialSet>& set, TimePoint now);

 private:
  friend Result<Peer> verify_peer(std::shared_ptr<const CredentialSet> set,
                                  std::vector<crypto::Certificate> shown, Side peer_side, TimePoint now);
  Peer() = default;
  Identity identity_;
  std::vector<crypto::Certificate> shown_;
  Side side_ = Side::client;
  std::shared_ptr<const CredentialSet> verified_by_;
  std::int64_t verified_until_ = 0;  // seconds since 1970
};

class CredentialSet {
 public:
  struct Bundle {
    crypto::TrustedRoots roots;
    std::vector<Role> vouches_for;
    std::int64_t lists_until;  ///< seconds since 1970
  };

  static Result<std::shared_ptr<const CredentialSet>> read(const CredentialFiles& files, TimePoint now);

  const Identity& identity() const noexcept { return identity_; }
  const Bundle* bundle(const std::string& trust_domain) const;
  /// TLS 1.3, both certificates, no resumption: every connection is checked in full.
  SSL_CTX* context(Side own_side) const noexcept {
    return own_side == Side::server ? server_.get() : client_.get();
  }

 private:
  CredentialSet() = default;
  Identity identity_;
  std::map<std::string, Bundle> bundles_;
  SslContext server_;
  SslContext client_;
};

/// `shown` is what the peer sent, its own certificate first. Refuses what is not exactly one identity of
/// ours, is no end-entity certificate, is not made for that side of TLS, or has no valid chain to its trust
/// domain's roots. Code and message are those of crypto/x509_verify.h, or unauthenticated.
Result<Peer> verify_peer(std::shared_ptr<const CredentialSet> set, std::vector<crypto::Certificate> shown,
                         Side peer_side, TimePoint now);

/// Called by OpenSSL in place of its own chain verification; in rpc/tls.cc.
int judge_peer(X509_STORE_CTX* context, void* unused);

}  // namespace sealift::rpc
