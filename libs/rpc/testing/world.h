// SPDX-License-Identifier: Apache-2.0
/// For tests: a PKI of its own, credentials for anybody, an echo server, and channels to it.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "rpc/client.h"
#include "rpc/pki.h"
#include "rpc/server.h"

namespace sealift::rpc::testing {

class CountResponse;

inline constexpr const char* kDomain = "example.test";

/// Streams that a test finishes itself.
class OpenStreams {
 public:
  void add(Stream<CountResponse> stream);
  std::vector<Stream<CountResponse>> take();
  std::size_t size();

 private:
  std::mutex mutex_;
  std::vector<Stream<CountResponse>> streams_;
};

/// What the echo service has seen.
struct EchoState {
  std::atomic<std::uint64_t> calls = 0;
  std::atomic<std::uint64_t> cancelled = 0;
  std::atomic<std::uint64_t> running = 0;
  std::atomic<std::uint64_t> unavailable = 0;  // so many calls answer `unavailable` first
  std::atomic<std::uint64_t> streams_closed = 0;
  std::atomic<std::uint64_t> refused_sends = 0;
  OpenStreams open_streams;
};
/// Serves rpc/testing/echo.proto.
Router echo_router(std::shared_ptr<EchoState> state = std::make_shared<EchoState>());

class World {
 public:
  World();
  const std::filesystem::path& path() const { return directory_.path(); }
  std::filesystem::path pki() const { return path() / "pki"; }
  /// Issued at the first time asked for: "tenant-acme", "frontend". Also DNS:localhost and IP:127.0.0.1.
  std::filesystem::path files(Role role, const std::string& name = {});
  std::shared_ptr<Credentials> credentials(Role role, const std::string& name = {});
  static Identity identity(Role role, const std::string& name = {}) { return {kDomain, role, name}; }

  /// As the front end, on a free port.
  std::unique_ptr<Server> serve(ServerOptions options = {}, Router router = echo_router());
  std::unique_ptr<Channel> channel(const Server& server, Role role = Role::tenant,
                                   const std::string& name = "acme");

 private:
  TemporaryDirectory directory_;
};

}  // namespace sealift::rpc::testing
