// SPDX-License-Identifier: Apache-2.0
#include "rpc/tls.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace sealift::rpc {
namespace {

// ---- A socket BIO that never raises SIGPIPE; OpenSSL's own does. ----

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int send_bytes(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int receive_bytes(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto received = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), 0);
  if (received < 0 && would_block()) BIO_set_retry_read(bio);
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(received);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const kMethod = [] {
    auto* const method = crypto::must(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sealift socket"), "BIO_METHOD");
    crypto::must(BIO_meth_set_write(method, send_bytes), "BIO_METHOD");
    crypto::must(BIO_meth_set_read(method, receive_bytes), "BIO_METHOD");
    crypto::must(BIO_meth_set_ctrl(method, control), "BIO_METHOD");
    return method;
  }();
  return kMethod;
}

int self_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

// ---- Certificates that the peer shows ----

Result<std::vector<crypto::Certificate>> shown_certificates(X509_STORE_CTX* context) {
  std::vector<crypto::Certificate> shown;
  auto* const own = X509_STORE_CTX_get0_cert(context);
  SEALIFT_TRY(auto leaf, crypto::Certificate::wrap(own));
  shown.push_back(std::move(leaf));
  auto* const others = X509_STORE_CTX_get0_untrusted(context);
  for (int i = 0; i < sk_X509_num(others); ++i) {
    auto* const each = sk_X509_value(others, i);
    if (each == own || X509_cmp(each, own) == 0) continue;
    SEALIFT_TRY(auto certificate, crypto::Certificate::wrap(each));
    shown.push_back(std::move(certificate));
  }
  return shown;
}

/// What OpenSSL tells the peer in its alert.
int verify_error(ErrorCode code) {
  switch (code) {
    case ErrorCode::certificate_expired:
    case ErrorCode::certificate_not_yet_valid:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case ErrorCode::certificate_revoked:
      return X509_V_ERR_CERT_REVOKED;
    case ErrorCode::issuer_missing:
    case ErrorCode::issuer_untrusted:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    default:
      return X509_V_ERR_CERT_REJECTED;
  }
}

/// The peer's alert about our certificate, as our error; nullopt for anything else in OpenSSL's queue.
std::optional<Error> refused_by_peer(unsigned long reason) {
  const auto named = [](ErrorCode code, std::string_view why) {
    return Error{code, fmt::format("the other side refused our certificate: {}", why), "certificate", {}};
  };
  switch (ERR_GET_REASON(reason)) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return named(ErrorCode::certificate_expired, "it is not valid now");
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return named(ErrorCode::certificate_revoked, "it is revoked");
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return named(ErrorCode::unauthenticated, "it does not know our issuer");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return named(ErrorCode::unauthenticated, "it is not one for this use");
    default:
      return std::nullopt;
  }
}

}  // namespace

Tls::Tls(std::shared_ptr<const CredentialSet> credentials, Side own_side, int socket)
    : credentials_{std::move(credentials)},
      own_side_{own_side},
      ssl_{crypto::must(SSL_new(credentials_->context(own_side)), "SSL")} {
  auto* const bio = crypto::must(BIO_new(socket_method()), "BIO");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  crypto::must(SSL_set_ex_data(ssl_.get(), self_index(), this), "SSL");
  if (own_side == Side::server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

Tls::~Tls() = default;

int judge_peer(X509_STORE_CTX* context, void*) {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& self = *static_cast<Tls*>(SSL_get_ex_data(ssl, self_index()));
  auto shown = shown_certificates(context);
  auto peer =
      shown ? verify_peer(self.credentials_, *std::move(shown),
                          self.own_side_ == Side::server ? Side::client : Side::server, SystemClock{}.now())
            : Result<Peer>{tl::unexpected(std::move(shown).error())};
  if (peer) {
    self.peer_ = *std::move(peer);
    return 1;
  }
  self.refusal_ = std::move(peer).error();
  X509_STORE_CTX_set_error(context, verify_error(self.refusal_->code));
  return 0;
}

Result<Want> Tls::outcome(int result, std::string_view doing) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return Want::nothing;
    case SSL_ERROR_WANT_READ:
      return Want::read;
    case SSL_ERROR_WANT_WRITE:
      return Want::write;
    case SSL_ERROR_ZERO_RETURN:
      return Want::closed;
    default:
      break;
  }
  const auto reason = ERR_peek_error();
  auto log = crypto::openssl_errors();
  if (refusal_) return tl::unexpected(*refusal_);
  if (auto refused = refused_by_peer(reason)) return tl::unexpected(*std::move(refused));
  if (saved_errno != 0) log += fmt::format(" {}", std::strerror(saved_errno));
  return fail(ErrorCode::unavailable, fmt::format("the connection ended while {}", doing), "connection",
              std::move(log));
}

Result<Want> Tls::handshake() {
  ERR_clear_error();
  errno = 0;
  SEALIFT_TRY(const auto want, outcome(SSL_do_handshake(ssl_.get()), "shaking hands"));
  // judge_peer() ran, or there is no peer certificate, which SSL_VERIFY_FAIL_IF_NO_PEER_CERT refuses.
  if (want == Want::nothing && !peer_) {
    return fail(ErrorCode::unauthenticated, "the peer shows no certificate", "certificate");
  }
  return want;
}

Result<Step> Tls::read(std::span<std::uint8_t> out) {
  ERR_clear_error();
  errno = 0;
  std::size_t size = 0;
  const int result = SSL_read_ex(ssl_.get(), out.data(), out.size(), &size);
  SEALIFT_TRY(const auto want, outcome(result, "reading"));
  return Step{want, size};
}

Result<Step> Tls::write(ByteView bytes) {
  ERR_clear_error();
  errno = 0;
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
  SEALIFT_TRY(const auto want, outcome(result, "writing"));
  return Step{want, size};
}

void Tls::close_notify() noexcept {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

bool Tls::has_pending() const noexcept { return SSL_has_pending(ssl_.get()) != 0; }

}  // namespace sealift::rpc
