// SPDX-License-Identifier: Apache-2.0
// Our client against our server: calls, streams, deadlines, retries, limits.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/matchers.h"
#include "base/process.h"
#include "rpc/envelope.h"
#include "rpc/testing/raw.h"
#include "rpc/testing/wait.h"
#include "rpc/testing/world.h"
#include "sealift/v1/health.pb.h"
#include "testing/echo.pb.h"

namespace sealift::rpc {
namespace {

using namespace std::chrono_literals;
using testing::CountRequest;
using testing::CountResponse;
using testing::EchoRequest;
using testing::EchoResponse;
using testing::EchoState;
using testing::eventually;

constexpr auto kEcho = "sealift.rpc.testing.EchoService.Echo";
constexpr auto kAdd = "sealift.rpc.testing.EchoService.Add";
constexpr auto kAddIdempotently = "sealift.rpc.testing.EchoService.AddIdempotently";
constexpr auto kCount = "sealift.rpc.testing.EchoService.Count";

class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) { server_ = world_.serve(std::move(options), echo_router(state_)); }
  Result<EchoResponse> call(const std::string& method, EchoRequest request = {}, CallOptions options = {}) {
    if (!channel_) channel_ = world_.channel(*server_);
    return channel_->call<EchoResponse>(method, request, std::move(options));
  }

  testing::World world_;
  std::shared_ptr<EchoState> state_ = std::make_shared<EchoState>();
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
};

EchoRequest request_with(const std::string& text) {
  EchoRequest request;
  request.set_text(text);
  return request;
}

TEST_F(ServerTest, AnswersACallAndKnowsTheCallerByItsCertificate) {
  start();
  const auto response = call(kEcho, request_with("hello"));
  ASSERT_THAT(response, Succeeds());
  EXPECT_EQ(response->text(), "hello");
  EXPECT_EQ(response->caller(), "spiffe://example.test/tenant/acme");
}

TEST_F(ServerTest, AnswersHealthToEveryPeer) {
  start();
  const auto channel = world_.channel(*server_, Role::host, "h1");
  EXPECT_THAT(
      channel->call<v1::HealthCheckResponse>("sealift.v1.HealthService.Check", v1::HealthCheckRequest{}),
      Succeeds());
}

TEST_F(ServerTest, GivesTheCallerTheHandlersOwnErrorWithoutItsDetail) {
  start();
  EchoRequest request;
  request.set_fail_with("kernel_differs");
  const auto response = call(kEcho, request);
  ASSERT_THAT(response, FailsAt(ErrorCode::kernel_differs, "fail_with"));
  EXPECT_EQ(response.error().message, "as asked for");
  EXPECT_EQ(response.error().detail, "");
}

TEST_F(ServerTest, RefusesARoleThatTheMethodDoesNotAllow) {
  start();
  const auto host = world_.channel(*server_, Role::host, "h1");
  EXPECT_THAT(host->call<EchoResponse>("sealift.rpc.testing.EchoService.TenantsOnly", EchoRequest{}),
              FailsWith(ErrorCode::permission_denied));
  EXPECT_EQ(state_->calls, 0U);
  EXPECT_THAT(call("sealift.rpc.testing.EchoService.TenantsOnly"), Succeeds());
}

TEST_F(ServerTest, StreamsMessagesInOrder) {
  start();
  const auto channel = world_.channel(*server_);
  CountRequest request;
  request.set_upto(1000);
  std::vector<std::uint32_t> seen;
  const auto status =
      channel->stream<CountResponse>(kCount, request, [&](const CountResponse& response) -> Status {
        seen.push_back(response.number());
        return {};
      });
  EXPECT_THAT(status, Succeeds());
  ASSERT_EQ(seen.size(), 1000U);
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i + 1);
}

TEST_F(ServerTest, GivesASlowCallerEveryMessageThatTheStreamTook) {
  start({.stream_queue = 64 * 1024});
  std::atomic<bool> read_on = false;
  std::vector<std::uint32_t> seen;
  std::jthread caller{[&, channel = world_.channel(*server_)] {
    EXPECT_THAT(channel->stream<CountResponse>(kCount, CountRequest{},
                                               [&](const CountResponse& response) -> Status {
                                                 seen.push_back(response.number());
                                                 EXPECT_TRUE(eventually([&] { return read_on.load(); }));
                                                 return {};
                                               }),
                Succeeds());
  }};
  ASSERT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
  auto stream = state_->open_streams.take().front();
  CountResponse message;
  message.set_data(std::string(16 * 1024, 'x'));
  std::vector<std::uint32_t> taken;
  // Until the socket and the queue are full, and stay so.
  for (std::uint32_t number = 1, refused = 0; refused < 50; ++number) {
    message.set_number(number);
    if (stream.send(message)) {
      taken.push_back(number);
      refused = 0;
    } else {
      ++refused;
      std::this_thread::sleep_for(1ms);
    }
  }
  read_on = true;
  stream.finish();
  caller.join();
  EXPECT_EQ(seen, taken);
}

TEST_F(ServerTest, HoldsManyOpenStreamsWithoutThreads) {
  start({.workers = 2, .io_threads = 1});
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/task"},
                         std::filesystem::directory_iterator{});
  };
  const auto before = threads();
  const auto credentials = world_.credentials(Role::orchestrator);
  std::vector<testing::Raw> watchers;
  for (int i = 0; i < 200; ++i) {
    watchers.push_back(testing::Raw::connect(*server_, credentials));
    watchers.back().send(testing::post("Count", "application/connect+json", to_envelope("{}")));
  }
  ASSERT_TRUE(eventually([&] { return state_->open_streams.size() == 200; }));
  EXPECT_EQ(threads(), before);
  EXPECT_THAT(call(kEcho), Succeeds());
  for (auto& stream : state_->open_streams.take()) stream.finish();
  for (auto& watcher : watchers) EXPECT_EQ(watcher.receive().status, 200U);
  EXPECT_TRUE(eventually([&] { return state_->streams_closed == 200; }));
}

TEST_F(ServerTest, EndsAStreamThatItsHandlerLost) {
  start();
  const auto channel = world_.channel(*server_);
  std::jthread dropper{[&] {
    EXPECT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
    state_->open_streams.take();
  }};
  EXPECT_THAT(
      channel->stream<CountResponse>(kCount, CountRequest{}, [](const CountResponse&) { return Status{}; }),
      FailsWith(ErrorCode::internal));
}

TEST_F(ServerTest, StopsReadingAStreamWhenToldTo) {
  start();
  const auto channel = world_.channel(*server_);
  std::stop_source stop;
  std::jthread stopper{[&] {
    EXPECT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
    stop.request_stop();
  }};
  const auto ignore = [](const CountResponse&) { return Status{}; };
  EXPECT_THAT(channel->stream<CountResponse>(kCount, CountRequest{}, ignore, stop.get_token()),
              FailsWith(ErrorCode::canceled));
  // The handler learns of it; the channel goes on.
  EXPECT_TRUE(eventually([&] { return state_->streams_closed == 1; }));
  EXPECT_THAT(channel->call<EchoResponse>(kEcho, EchoRequest{}), Succeeds());
}

TEST_F(ServerTest, EndsAStreamWhereTheCallersOwnCodeFails) {
  start();
  const auto channel = world_.channel(*server_);
  CountRequest request;
  request.set_upto(10);
  EXPECT_THAT(
      channel->stream<CountResponse>(
          kCount, request, [](const CountResponse&) -> Status { return fail(ErrorCode::no_space, "full"); }),
      FailsWith(ErrorCode::no_space));
}

TEST_F(ServerTest, ReportsEveryCallWithItsDetail) {
  std::mutex mutex;
  std::vector<CallReport> reports;
  start({.on_call = [&](const CallReport& report) {
    const std::lock_guard lock{mutex};
    reports.push_back(report);
  }});
  EchoRequest request;
  request.set_fail_with("kernel_differs");
  const auto trace = Trace::random();
  EXPECT_FALSE(call(kEcho, request, {.trace = trace}));
  EXPECT_THAT(call(kAdd), Succeeds());
  server_->stop();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].method, kEcho);
  EXPECT_EQ(reports[0].caller.text(), "spiffe://example.test/tenant/acme");
  EXPECT_EQ(reports[0].trace.id, trace.id);
  EXPECT_THAT(reports[0].status, FailsWith(ErrorCode::kernel_differs));
  EXPECT_EQ(reports[0].status.error().detail, "this must stay here");
  EXPECT_THAT(reports[1].status, Succeeds());
}

TEST_F(ServerTest, CarriesLargeBodiesBothWays) {
  start();
  EchoRequest request;
  request.set_data(std::string(3 * 1024 * 1024, 'd'));
  const auto response = call("sealift.rpc.testing.EchoService.Upload", request);
  ASSERT_THAT(response, Succeeds());
  EXPECT_EQ(response->data(), request.data());
}

TEST_F(ServerTest, ServesManyCallersAtOnce) {
  start();
  const auto channel = world_.channel(*server_, Role::orchestrator, "");
  std::vector<std::jthread> callers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int j = 0; j < 100; ++j) {
        const auto text = std::to_string(i) + "-" + std::to_string(j);
        const auto response = channel->call<EchoResponse>(kEcho, request_with(text));
        if (response && response->text() == text) ++answered;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(answered, 800);
}

TEST_F(ServerTest, FindsTheServiceAgainAfterItsRestart) {
  start();
  EXPECT_THAT(call(kAdd), Succeeds());
  const auto port = server_->port();
  server_->stop();
  EXPECT_THAT(call(kAdd, {}, {.timeout = 5s}), FailsWith(ErrorCode::unavailable));
  std::jthread restart{[&] {
    std::this_thread::sleep_for(50ms);
    start({.port = port});
  }};
  // Idempotent: it is repeated until somebody answers.
  EXPECT_THAT(call(kEcho, {}, {.timeout = 60s}), Succeeds());
  restart.join();
  EXPECT_THAT(call(kAdd), Succeeds());
}

TEST_F(ServerTest, RefusesToStartWhereItCannotListen) {
  start();
  EXPECT_THAT(
      Server::start({.port = server_->port(), .credentials = world_.credentials(Role::frontend)}, Router{}),
      FailsAt(ErrorCode::unavailable, "address"));
  EXPECT_THAT(
      Server::start({.address = "localhost", .credentials = world_.credentials(Role::frontend)}, Router{}),
      FailsAt(ErrorCode::invalid_argument, "address"));
  EXPECT_THAT(Server::start({}, Router{}), FailsAt(ErrorCode::invalid_argument, "credentials"));
}

using RouterDeathTest = ServerTest;
TEST_F(RouterDeathTest, EndsTheProcessWhereARegistrationDoesNotFitItsProto) {
  const auto handler = [](const Call&, const EchoRequest&) { return Result<EchoResponse>{EchoResponse{}}; };
  Router router;
  const auto add = [&](const char* method) {
    router.unary<EchoResponse, EchoRequest>(method, Allow::roles({Role::tenant}), handler);
  };
  EXPECT_DEATH(add("sealift.rpc.testing.EchoService.Nothing"), "no .proto");
  EXPECT_DEATH(add(kCount), "mixed up");
  EXPECT_DEATH(add("sealift.v1.HealthService.Check"), "another type");
  add(kEcho);
  EXPECT_DEATH(add(kEcho), "twice");
}

TEST_F(ServerTest, EndsAStreamWithTheHandlersError) {
  start();
  const auto channel = world_.channel(*server_);
  CountRequest request;
  request.set_fail_with("not_found");
  EXPECT_THAT(channel->stream<CountResponse>(kCount, request, [](const CountResponse&) { return Status{}; }),
              FailsAt(ErrorCode::not_found, "fail_with"));
}

TEST_F(ServerTest, EndsACallAtItsDeadline) {
  start();
  EXPECT_THAT(call(kEcho), Succeeds());  // connected, so that the time is the call's own
  EchoRequest request;
  request.set_wait_ms(600'000);
  EXPECT_THAT(call(kEcho, request, {.timeout = 1s}), FailsWith(ErrorCode::timeout));
  EXPECT_TRUE(eventually([&] { return state_->cancelled == 1; }));
}

TEST_F(ServerTest, RepeatsOnlyIdempotentCallsWhileTheServiceIsUnavailable) {
  start();
  state_->unavailable = 2;
  EXPECT_THAT(call(kAddIdempotently), Succeeds());
  EXPECT_EQ(state_->calls, 3U);
  state_->unavailable = 1;
  EXPECT_THAT(call(kAdd), FailsWith(ErrorCode::unavailable));
  EXPECT_EQ(state_->calls, 4U);
}

class ReplicasTest : public ServerTest {
 protected:
  ReplicasTest() {
    start();
    other_ = world_.serve({}, echo_router(other_state_));
  }
  static std::string address(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }
  std::unique_ptr<Channel> channel(const std::string& addresses) {
    auto made = Channel::create({.address = addresses,
                                 .credentials = world_.credentials(Role::tenant, "acme"),
                                 .server = testing::World::identity(Role::frontend)});
    EXPECT_THAT(made, Succeeds());
    return *std::move(made);
  }
  std::unique_ptr<Channel> both() {
    return channel(address(server_->port()) + "," + address(other_->port()));
  }

  std::shared_ptr<EchoState> other_state_ = std::make_shared<EchoState>();
  std::unique_ptr<Server> other_;
};

TEST_F(ReplicasTest, AreAskedInTurnWhereOneIsGone) {
  const auto channel = both();
  EXPECT_THAT(channel->call<EchoResponse>(kAdd, EchoRequest{}), Succeeds());
  EXPECT_EQ(state_->calls, 1U);
  server_->stop();
  // Whether the call before the next had begun is not known: that one may fail, the others find the other
  // one.
  (void)channel->call<EchoResponse>(kAdd, EchoRequest{});
  EXPECT_THAT(channel->call<EchoResponse>(kAdd, EchoRequest{}), Succeeds());
  EXPECT_GE(other_state_->calls, 1U);
}

TEST_F(ReplicasTest, AreAskedInTurnWhereOneTakesNoWork) {
  const auto channel = both();
  state_->unavailable = 1'000'000;
  EXPECT_THAT(channel->call<EchoResponse>(kAddIdempotently, EchoRequest{}), Succeeds());
  EXPECT_EQ(other_state_->calls, 1U);
  EXPECT_THAT(channel->call<EchoResponse>(kAdd, EchoRequest{}), Succeeds());  // and it stays there
  EXPECT_EQ(state_->calls, 1U);
}

TEST_F(ReplicasTest, AreAskedInTurnWhereOneSaysNothing) {
  const auto silent = testing::SilentListener::open();
  const auto channel_of_both = channel(address(silent.port()) + "," + address(other_->port()));
  EXPECT_THAT(channel_of_both->call<EchoResponse>(kAdd, EchoRequest{}, {.timeout = 60s}), Succeeds());
  EXPECT_EQ(other_state_->calls, 1U);
}

TEST_F(ReplicasTest, ThatSayNothingAreUnavailableLongBeforeTheCallsTimeIsOver) {
  const auto silent = testing::SilentListener::open();
  const auto one = channel(address(silent.port()));
  EXPECT_THAT(one->call<EchoResponse>(kAdd, EchoRequest{}, {.timeout = 10min, .once = true}),
              FailsAt(ErrorCode::unavailable, "address"));
}

TEST_F(ReplicasTest, ThatAreSomebodyElseAreNoReasonToAskAnother) {
  const auto somebody = world_.serve({.credentials = world_.credentials(Role::security_module, "acme")});
  const auto channel_of_both = channel(address(somebody->port()) + "," + address(other_->port()));
  EXPECT_THAT(channel_of_both->call<EchoResponse>(kEcho, EchoRequest{}),
              FailsWith(ErrorCode::unauthenticated));
  EXPECT_EQ(other_state_->calls, 0U);
}

TEST_F(ReplicasTest, NeedAnAddressEach) {
  for (const auto* addresses :
       {"", ",", "127.0.0.1:1,", ",127.0.0.1:1", "127.0.0.1:1, 127.0.0.1:2", "one", "one:"}) {
    EXPECT_THAT(Channel::create({.address = addresses,
                                 .credentials = world_.credentials(Role::tenant, "acme"),
                                 .server = testing::World::identity(Role::frontend)}),
                FailsAt(ErrorCode::invalid_argument, "address"))
        << addresses;
  }
}

TEST_F(ServerTest, LetsARunningCallFinishWhenItStops) {
  start({.drain_time = 60s});
  EchoRequest request;
  request.set_wait_ms(500);
  std::jthread caller{[&] { EXPECT_THAT(call(kAdd, request), Succeeds()); }};
  EXPECT_TRUE(eventually([&] { return state_->running == 1; }));
  server_->stop();
  caller.join();
  EXPECT_EQ(state_->cancelled, 0U);
}

TEST_F(ServerTest, TellsTheHandlerThatTheCallerWentAway) {
  start();
  EchoRequest request;
  request.set_wait_ms(600'000);
  std::stop_source stop;
  std::jthread caller{
      [&] { EXPECT_THAT(call(kEcho, request, {.stop = stop.get_token()}), FailsWith(ErrorCode::canceled)); }};
  EXPECT_TRUE(eventually([&] { return state_->running == 1; }));
  stop.request_stop();
  EXPECT_TRUE(eventually([&] { return state_->cancelled == 1; }));
}

TEST_F(ServerTest, StopsWhileCallsAndStreamsAreOpen) {
  start({.drain_time = 100ms});
  const auto channel = world_.channel(*server_);
  std::jthread watcher{[&] {
    EXPECT_THAT(
        channel->stream<CountResponse>(kCount, CountRequest{}, [](const CountResponse&) { return Status{}; }),
        FailsWith(ErrorCode::unavailable));
  }};
  EchoRequest request;
  request.set_wait_ms(600'000);
  std::jthread caller{[&] { EXPECT_THAT(call(kAdd, request), FailsWith(ErrorCode::unavailable)); }};
  EXPECT_TRUE(eventually([&] { return state_->running == 1 && state_->open_streams.size() == 1; }));
  server_->stop();
  EXPECT_EQ(state_->cancelled, 1U);
}

TEST_F(ServerTest, LeavesNoSocketToTheProgramsThatItsProcessStarts) {
  start();
  ASSERT_THAT(call(kEcho), Succeeds());
  const auto output = run({.argv = {"sh", "-c", "ls -l /proc/$$/fd"}});
  ASSERT_THAT(output, Succeeds());
  EXPECT_EQ(output->out.find("socket:"), std::string::npos) << output->out;
}

TEST_F(ServerTest, EndsAConnectionThatSpeaksDuringItsStream) {
  start();
  auto raw = testing::Raw::connect(*server_, world_.credentials(Role::tenant, "acme"));
  raw.send(testing::post("Count", "application/connect+json", to_envelope("{}")));
  ASSERT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
  raw.send("x");
  EXPECT_TRUE(eventually([&] { return state_->streams_closed == 1; }));
}

TEST_F(ServerTest, LeavesNothingBehindForAStreamWhoseCallerJustLeft) {
  // Every order of the caller's end and the server's: a timer set after the end would keep stop() waiting.
  for (int i = 0; i < 20; ++i) {
    start({.write_time = 10min});
    auto raw = std::optional{testing::Raw::connect(*server_, world_.credentials(Role::tenant, "acme"))};
    raw->send(testing::post("Count", "application/connect+json", to_envelope("{}")));
    EXPECT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
    raw.reset();
    server_->stop();
    state_->open_streams.take();
  }
}

}  // namespace
}  // namespace sealift::rpc
