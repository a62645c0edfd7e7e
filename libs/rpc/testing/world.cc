// SPDX-License-Identifier: Apache-2.0
#include "rpc/testing/world.h"

#include <gtest/gtest.h>

#include <thread>

#include "testing/echo.pb.h"

namespace sealift::rpc::testing {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) ADD_FAILURE() << name(result.error().code) << ": " << result.error().message;
  return *std::move(result);
}
void must(const Status& status) { ASSERT_TRUE(status) << status.error().message; }

Status fail_as_asked(const std::string& code) {
  if (code.empty()) return {};
  return fail(error_code_from_name(code), "as asked for", "fail_with", "this must stay here");
}

Result<EchoResponse> echo(EchoState& state, const Call& call, const EchoRequest& request) {
  EchoResponse response;
  response.set_calls(++state.calls);
  if (state.unavailable > 0) {
    --state.unavailable;
    return fail(ErrorCode::unavailable, "not yet");
  }
  ++state.running;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{request.wait_ms()};
  while (std::chrono::steady_clock::now() < until && !call.is_cancelled()) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  --state.running;
  if (call.is_cancelled()) ++state.cancelled;
  SEALIFT_CHECK(fail_as_asked(request.fail_with()));
  response.set_text(request.text());
  response.set_data(request.data());
  response.set_caller(call.caller.text());
  response.set_trace_id(call.trace.id_text());
  return response;
}

/// Sends numbers as long as they are taken; upto 0 leaves the stream open without a thread.
Status count(const std::shared_ptr<EchoState>& state, const CountRequest& request,
             Stream<CountResponse> stream) {
  SEALIFT_CHECK(fail_as_asked(request.fail_with()));
  stream.on_closed([state] { ++state->streams_closed; });
  if (request.upto() == 0) {
    state->open_streams.add(stream);
    return {};
  }
  CountResponse message;
  message.set_data(std::string(request.size(), 'x'));
  for (std::uint32_t i = 1; i <= request.upto(); ++i) {
    message.set_number(i);
    if (!stream.send(message)) ++state->refused_sends;
  }
  stream.finish();
  return {};
}

}  // namespace

World::World() : directory_{TemporaryDirectory::create("rpc").value()} {
  must(create_pki(pki(), kDomain, SystemClock{}.now()));
}

std::filesystem::path World::files(Role role, const std::string& name) {
  const auto out = path() / (std::string{role_name(role)} + "-" + name);
  if (!std::filesystem::exists(out)) {
    must(issue_credentials(pki(), role, name, out, SystemClock{}.now(),
                           {.hosts = {"localhost", "127.0.0.1"}, .validity = std::chrono::days{1}}));
  }
  return out;
}

std::shared_ptr<Credentials> World::credentials(Role role, const std::string& name) {
  return must(Credentials::load(must(credential_files(files(role, name)))));
}

std::unique_ptr<Server> World::serve(ServerOptions options, Router router) {
  if (!options.credentials) options.credentials = credentials(Role::frontend);
  return must(Server::start(std::move(options), std::move(router)));
}

std::unique_ptr<Channel> World::channel(const Server& server, Role role, const std::string& name) {
  return must(Channel::create({.address = "127.0.0.1:" + std::to_string(server.port()),
                               .credentials = credentials(role, name),
                               .server = identity(Role::frontend)}));
}

void OpenStreams::add(Stream<CountResponse> stream) {
  const std::lock_guard lock{mutex_};
  streams_.push_back(std::move(stream));
}
std::vector<Stream<CountResponse>> OpenStreams::take() {
  const std::lock_guard lock{mutex_};
  return std::exchange(streams_, {});
}
std::size_t OpenStreams::size() {
  const std::lock_guard lock{mutex_};
  return streams_.size();
}

Router echo_router(std::shared_ptr<EchoState> state) {
  const auto handler = [state](const Call& call, const EchoRequest& request) {
    return echo(*state, call, request);
  };
  const auto everybody = Allow::every_authenticated_peer();
  Router router;
  for (const auto* method : {"Echo", "Add", "AddIdempotently", "Upload"}) {
    router.unary<EchoResponse, EchoRequest>(std::string{"sealift.rpc.testing.EchoService."} + method,
                                            everybody, handler);
  }
  router.unary<EchoResponse, EchoRequest>("sealift.rpc.testing.EchoService.TenantsOnly",
                                          Allow::roles({Role::tenant}), handler);
  router.limit_body("sealift.rpc.testing.EchoService.Upload", 4 * 1024 * 1024);
  router.server_stream<CountResponse, CountRequest>(
      "sealift.rpc.testing.EchoService.Count", everybody,
      [state](const Call&, const CountRequest& request, Stream<CountResponse> stream) {
        return count(state, request, std::move(stream));
      });
  return router;
}

}  // namespace sealift::rpc::testing
