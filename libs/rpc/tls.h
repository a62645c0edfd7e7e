// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: TLS 1.3 with two certificates over a socket that never blocks. Who waits for the
/// socket, and how long, is the caller's business: the server waits with Asio, the client with poll(2).
#pragma once

#include <memory>

#include "base/bytes.h"
#include "rpc/credential_set.h"

namespace sealift::rpc {

/// What an operation needs before it can go on.
enum class Want : std::uint8_t {
  nothing,  ///< it is done
  read,     ///< wait until the socket is readable, then call again
  write,    ///< wait until it is writable, then call again
  closed,   ///< the peer ended the connection properly
};

struct Step {
  Want want = Want::nothing;
  std::size_t size = 0;  ///< bytes read or written
};

class Tls {
 public:
  /// `socket` is non-blocking, connected, and outlives this.
  Tls(std::shared_ptr<const CredentialSet> credentials, Side own_side, int socket);
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  ~Tls();

  /// unauthenticated or a certificate_… code where the peer is not believed, unavailable where it went away.
  Result<Want> handshake();
  /// After the handshake. A client learns only here that the server refused its certificate.
  Result<Step> read(std::span<std::uint8_t> out);
  Result<Step> write(ByteView bytes);
  /// Tells the peer, without waiting, that nothing more follows.
  void close_notify() noexcept;
  /// After the handshake.
  Peer& peer() noexcept { return *peer_; }
  /// Decrypted bytes wait inside, which no readable socket announces.
  bool has_pending() const noexcept;

 private:
  friend int judge_peer(X509_STORE_CTX* context, void* unused);
  Result<Want> outcome(int result, std::string_view doing);

  std::shared_ptr<const CredentialSet> credentials_;
  Side own_side_;
  std::unique_ptr<SSL, crypto::FreeWith<SSL_free>> ssl_;
  std::optional<Peer> peer_;
  std::optional<Error> refusal_;  // why judge_peer() said no
};

}  // namespace sealift::rpc
