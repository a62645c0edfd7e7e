// SPDX-License-Identifier: Apache-2.0
/// For tests: HTTP typed by hand over TLS, and answers read by a parser that is not the product's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "rpc/client_socket.h"
#include "rpc/testing/world.h"

namespace sealift::rpc::testing {

struct RawAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< chunks joined
};

class Raw {
 public:
  static Raw connect(const Server& server, const std::shared_ptr<Credentials>& credentials);
  /// To a process.
  static Result<Raw> connect(const std::string& address, const std::shared_ptr<Credentials>& credentials,
                             const Identity& expected);

  /// False where the server has closed.
  bool send(std::string_view bytes);
  /// The next answer; status 0 where the connection ended before it was whole.
  RawAnswer receive();
  /// The next bytes, whatever they are; empty at the end.
  std::string receive_some();
  /// The server ends the connection without another byte.
  bool ends();
  RawAnswer exchange(std::string_view bytes) {
    send(bytes);
    return receive();
  }

 private:
  explicit Raw(std::unique_ptr<ClientSocket> socket) : socket_{std::move(socket)} {}
  bool fill();
  bool receive_chunk(std::string& body);
  std::unique_ptr<ClientSocket> socket_;
  std::string in_;
};

/// Takes connections and says nothing to them.
class SilentListener {
 public:
  static SilentListener open();
  std::uint16_t port() const { return port_; }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

/// "POST /sealift.rpc.testing.EchoService/<method> …" with a body of `type`, and more header lines.
std::string post(const std::string& method, const std::string& type, const std::string& body,
                 const std::string& headers = {});
/// The same with a JSON body.
std::string post_json(const std::string& method, const std::string& body, const std::string& headers = {});

}  // namespace sealift::rpc::testing
