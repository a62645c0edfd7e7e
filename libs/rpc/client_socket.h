// SPDX-License-Identifier: Apache-2.0
/// Private to libs/rpc: a client's TLS connection. Every wait ends by a deadline or by a stop.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "rpc/tls.h"

namespace sealift::rpc {

/// How long a caller waits.
class Patience {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Patience(Time deadline, std::stop_token stop);
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  Time deadline() const noexcept { return deadline_; }
  /// The same, but for no longer than `limit` from now.
  Patience at_most(std::chrono::milliseconds limit) const;
  /// timeout or canceled, where that comes before the descriptor is ready for `events` of poll(2).
  Status wait_for(int descriptor, short events) const;
  /// The same for a pause.
  Status sleep_until(Time time) const;

 private:
  Status wait(int descriptor, short events, Time until, bool& ready) const;
  Time deadline_;
  std::stop_token stop_;
  UniqueFd stopped_;  // an eventfd, readable after the stop; none where none can come
  std::optional<std::stop_callback<std::function<void()>>> callback_;
};

/// invalid_argument where it is neither "host:port" nor "[ipv6]:port".
Status check_address(const std::string& address);

class ClientSocket {
 public:
  /// `address` is "host:port" or "[ipv6]:port". unavailable where nobody answers; unauthenticated or a
  /// certificate_… code where the server is not `expected`.
  static Result<std::unique_ptr<ClientSocket>> dial(const std::string& address,
                                                    std::shared_ptr<const CredentialSet> credentials,
                                                    const Identity& expected, const Patience& patience);
  Status write(std::string_view bytes, const Patience& patience);
  /// At least one byte; unavailable where the server ended the connection.
  Result<std::size_t> read(std::span<std::uint8_t> out, const Patience& patience);
  /// Nothing was said since the last answer, and the connection is open.
  bool is_quiet();

  const std::string& address() const noexcept { return address_; }
  const std::shared_ptr<const CredentialSet>& credentials() const noexcept { return credentials_; }
  std::chrono::steady_clock::time_point opened() const noexcept { return opened_; }
  std::chrono::steady_clock::time_point last_used;

 private:
  ClientSocket(std::string address, UniqueFd socket, std::shared_ptr<const CredentialSet> credentials);
  Status wait(Want want, const Patience& patience) const;
  std::string address_;
  UniqueFd socket_;
  std::shared_ptr<const CredentialSet> credentials_;
  Tls tls_;
  std::chrono::steady_clock::time_point opened_;
};

}  // namespace sealift::rpc
