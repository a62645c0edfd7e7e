// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/relay_for_test.h"

#include "tests/e2e/methods_for_test.h"

namespace sealift::e2e {
namespace {

constexpr std::size_t kBody = 16U << 20U;
constexpr std::chrono::milliseconds kSlow{5};

}  // namespace

template <class Response, class Request>
void RelayForTest::relay(rpc::Router& router, const std::string& method) {
  router.unary<Response, Request>(method, rpc::Allow::every_authenticated_peer(),
                                  [this, method](const rpc::Call&, const Request& asked) -> Result<Response> {
                                    auto request = asked;
                                    meddle_(method, Direction::request, request);
                                    SEALIFT_TRY(auto response,
                                                channel()->call<Response>(method, request, {.once = true}));
                                    meddle_(method, Direction::answer, response);
                                    return response;
                                  });
  router.limit_body(method, kBody);
}

template <class Response, class Request>
void RelayForTest::relay_stream(rpc::Router& router, const std::string& method) {
  router.server_stream<Response, Request>(
      method, rpc::Allow::every_authenticated_peer(),
      [this, method](const rpc::Call&, const Request& asked, rpc::Stream<Response> stream) -> Status {
        auto request = asked;
        meddle_(method, Direction::request, request);
        const std::lock_guard lock{mutex_};
        streams_.emplace_back([this, method, request, stream]() mutable {
          std::stop_source closed;
          const std::stop_callback over{over_.get_token(), [closed]() mutable { closed.request_stop(); }};
          stream.on_closed([closed]() mutable { closed.request_stop(); });
          stream.finish(channel()->stream<Response>(
              method, request,
              [&](const Response& said) -> Status {
                auto message = said;
                meddle_(method, Direction::answer, message);
                auto sent = stream.send(message);
                for (; !sent && sent.error().code == ErrorCode::resource_exhausted;
                     sent = stream.send(message))
                  std::this_thread::sleep_for(kSlow);
                return sent;
              },
              closed.get_token()));
        });
        return {};
      });
}

rpc::Router RelayForTest::router() {
  rpc::Router router;
#define SEALIFT_RELAY(service, method, request, response) \
  relay<v1::response, v1::request>(router, "sealift.v1." #service "." #method);
#define SEALIFT_RELAY_STREAM(service, method, request, response) \
  relay_stream<v1::response, v1::request>(router, "sealift.v1." #service "." #method);
  SEALIFT_METHODS(SEALIFT_RELAY, SEALIFT_RELAY_STREAM)
#undef SEALIFT_RELAY
#undef SEALIFT_RELAY_STREAM
  return router;
}

void RelayForTest::redirect(const std::string& service) {
  std::shared_ptr<rpc::Channel> channel =
      rpc::Channel::create({.address = service, .credentials = sides_.client, .server = sides_.identity})
          .value();
  const std::lock_guard lock{mutex_};
  channel_ = std::move(channel);
}

std::shared_ptr<rpc::Channel> RelayForTest::channel() {
  const std::lock_guard lock{mutex_};
  return channel_;
}

RelayForTest::RelayForTest(Sides sides, Meddle meddle)
    : sides_{std::move(sides)}, meddle_{std::move(meddle)} {
  redirect(sides_.service);
  rpc::ServerOptions options;
  options.credentials = sides_.server;
  server_ = rpc::Server::start(std::move(options), router()).value();
}

RelayForTest::~RelayForTest() {
  over_.request_stop();
  server_->stop();
  std::list<std::jthread> ending;  // joined without the lock
  const std::lock_guard lock{mutex_};
  ending.swap(streams_);
}

}  // namespace sealift::e2e
