// SPDX-License-Identifier: Apache-2.0
#include "rpc/server.h"

#include "rpc/listener.h"
#include "sealift/v1/health.pb.h"

namespace sealift::rpc {

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router) : service{std::move(options), std::move(router)} {}
  Service service;
  std::unique_ptr<Listener> listener;
  std::once_flag stopped;
};

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router) {
  if (!options.credentials)
    return fail(ErrorCode::invalid_argument, "a server needs credentials", "credentials");
  router.unary<v1::HealthCheckResponse, v1::HealthCheckRequest>(
      "sealift.v1.HealthService.Check", Allow::every_authenticated_peer(),
      [health = options.health](const Call&,
                                const v1::HealthCheckRequest&) -> Result<v1::HealthCheckResponse> {
        SEALIFT_CHECK(health());
        return v1::HealthCheckResponse{};
      });
  auto impl = std::make_unique<Impl>(std::move(options), std::move(router));
  SEALIFT_TRY(impl->listener, Listener::open(impl->service));
  return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

Server::Server(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Server::~Server() { stop(); }

std::uint16_t Server::port() const noexcept { return impl_->listener->port(); }

void Server::stop() {
  std::call_once(impl_->stopped, [this] {
    auto& [service, listener, stopped] = *impl_;
    service.stopping = true;
    if (!listener->drain(service.options.drain_time)) listener->close_all();
    service.workers.stop();
    listener->join();
  });
}

}  // namespace sealift::rpc
