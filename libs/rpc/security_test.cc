// SPDX-License-Identifier: Apache-2.0
// Peers that are not who they should be, and peers that want too much.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/matchers.h"
#include "base/process.h"
#include "rpc/envelope.h"
#include "rpc/error_json.h"
#include "rpc/testing/raw.h"
#include "rpc/testing/wait.h"
#include "testing/echo.pb.h"

namespace sealift::rpc {
namespace {

using namespace std::chrono_literals;
using testing::EchoRequest;
using testing::EchoResponse;
using testing::EchoState;
using testing::eventually;
using ::testing::HasSubstr;
using testing::post;
using testing::post_json;
using testing::Raw;

constexpr auto kEcho = "sealift.rpc.testing.EchoService.Echo";
constexpr auto kAdd = "sealift.rpc.testing.EchoService.Add";

/// Plain TCP connections that never say a word.
std::vector<UniqueFd> silent_connections(std::uint16_t port, std::size_t count) {
  std::vector<UniqueFd> all;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (std::size_t i = 0; i < count; ++i) {
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
      all.push_back(std::move(fd));
  }
  return all;
}

class SecurityTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) { server_ = world_.serve(std::move(options), echo_router(state_)); }
  Raw connect(const std::string& tenant = "acme") {
    return Raw::connect(*server_, world_.credentials(Role::tenant, tenant));
  }
  std::unique_ptr<Channel> channel_to(std::uint16_t port, const std::shared_ptr<Credentials>& credentials,
                                      const Identity& server = testing::World::identity(Role::frontend)) {
    return Channel::create(
               {.address = "127.0.0.1:" + std::to_string(port), .credentials = credentials, .server = server})
        .value();
  }
  Result<EchoResponse> call_as(const std::shared_ptr<Credentials>& credentials, const char* method = kAdd) {
    return channel_to(server_->port(), credentials)->call<EchoResponse>(method, EchoRequest{});
  }
  Output curl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"curl", "-sS", "--max-time", "60"});
    arguments.push_back("https://localhost:" + std::to_string(server_->port()) +
                        "/sealift.v1.HealthService/Check");
    Command command;
    command.argv = std::move(arguments);
    return run(std::move(command)).value();
  }
  std::vector<std::string> curl_files(const std::filesystem::path& files) {
    return {"--cacert", (files / "ca.pem").string(),  "--cert", (files / "certificate.pem").string(),
            "--key",    (files / "key.pem").string(), "--json", "{}"};
  }

  testing::World world_;
  std::shared_ptr<EchoState> state_ = std::make_shared<EchoState>();
  std::unique_ptr<Server> server_;
};

// ---- Who ----

TEST_F(SecurityTest, ServesCurlWithACertificate) {
  start();
  const auto output = curl(curl_files(world_.files(Role::tenant, "acme")));
  EXPECT_EQ(output.exit_status, 0) << output.err;
  EXPECT_EQ(output.out, "{}");
}

TEST_F(SecurityTest, RefusesCurlWithoutOne) {
  start();
  const auto output =
      curl({"--cacert", (world_.files(Role::tenant, "acme") / "ca.pem").string(), "--json", "{}"});
  EXPECT_NE(output.exit_status, 0);
  EXPECT_THAT(output.err, HasSubstr("certificate required"));
}

TEST_F(SecurityTest, RefusesCurlWithAnExpiredOne) {
  start();
  const auto files = world_.path() / "old";
  ASSERT_THAT(
      issue_credentials(world_.pki(), Role::tenant, "acme", files, SystemClock{}.now() - std::chrono::days{3},
                        {.validity = std::chrono::days{1}}),
      Succeeds());
  const auto output = curl(curl_files(files));
  EXPECT_NE(output.exit_status, 0);
  EXPECT_THAT(output.err, HasSubstr("certificate expired"));
}

TEST_F(SecurityTest, SpeaksNoOlderTls) {
  start();
  auto arguments = curl_files(world_.files(Role::tenant, "acme"));
  arguments.insert(arguments.end(), {"--tls-max", "1.2"});
  const auto output = curl(arguments);
  EXPECT_NE(output.exit_status, 0);
  EXPECT_THAT(output.err, HasSubstr("protocol version"));
}

TEST_F(SecurityTest, RefusesACertificateOfAnotherCa) {
  start();
  // Its own PKI, with the same names; it believes our server, so that only the server can refuse.
  testing::World impostor;
  auto files = credential_files(impostor.files(Role::tenant, "acme")).value();
  const auto ours = world_.files(Role::tenant, "acme");
  files.trust.front().roots = ours / "ca.pem";
  files.trust.front().revocation_lists = {ours / "crl.pem"};
  EXPECT_THAT(call_as(Credentials::load(files).value()), FailsWith(ErrorCode::unauthenticated));
  EXPECT_EQ(state_->calls, 0U);
}

TEST_F(SecurityTest, AClientRefusesAServerOfAnotherCa) {
  start();
  testing::World elsewhere;
  const auto response = call_as(elsewhere.credentials(Role::tenant, "acme"));
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().code, ErrorCode::unavailable) << response.error().message;
}

TEST_F(SecurityTest, AClientRefusesAServerThatIsSomebodyElse) {
  start();
  const auto channel = channel_to(server_->port(), world_.credentials(Role::tenant, "acme"),
                                  testing::World::identity(Role::orchestrator));
  EXPECT_THAT(channel->call<EchoResponse>(kAdd, EchoRequest{}),
              FailsAt(ErrorCode::unauthenticated, "identity"));
  EXPECT_EQ(state_->calls, 0U);
}

TEST_F(SecurityTest, RefusesARevokedPeerAlsoOnAKeptConnection) {
  start({.credentials = Credentials::load(credential_files(world_.files(Role::frontend)).value()).value()});
  auto kept = connect();
  EXPECT_EQ(kept.exchange(post_json("Echo", "{}")).status, 200U);
  auto streaming = connect();
  streaming.send(post("Count", "application/connect+json", to_envelope("{}")));
  ASSERT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));

  const auto pem = read_file(world_.files(Role::tenant, "acme") / "certificate.pem", 1 << 20).value();
  ASSERT_THAT(revoke_certificate(world_.pki(), crypto::Certificate::parse(pem).value(), SystemClock{}.now()),
              Succeeds());
  const auto list = read_file(world_.pki() / "crl.pem", 1 << 20).value();
  ASSERT_THAT(write_file(world_.files(Role::frontend) / "crl.pem", list), Succeeds());

  testing::RawAnswer answer;
  ASSERT_TRUE(eventually([&] {
    answer = kept.exchange(post_json("Echo", "{}"));
    return answer.status != 200;
  }));
  EXPECT_EQ(answer.status, 401U);
  EXPECT_EQ(error_from_json(answer.body, answer.status).code, ErrorCode::unauthenticated);
  EXPECT_TRUE(kept.ends());
  EXPECT_THAT(call_as(world_.credentials(Role::tenant, "acme")), FailsWith(ErrorCode::certificate_revoked));
  EXPECT_THAT(call_as(world_.credentials(Role::tenant, "other")), Succeeds());
  // The open stream gives nothing more away.
  testing::CountResponse message;
  message.set_number(42);
  (void)state_->open_streams.take().front().send(message);
  const auto end = streaming.receive();
  EXPECT_EQ(end.body.find("\"number\""), std::string::npos);  // a trace id may have any digits
  EXPECT_THAT(end.body, HasSubstr("unauthenticated"));
}

TEST_F(SecurityTest, KeepsTheOldCertificateWhileARotationIsTorn) {
  const auto files = world_.files(Role::frontend);
  const auto credentials = Credentials::load(credential_files(files).value()).value();
  start({.credentials = credentials});
  const auto next = world_.path() / "next";
  ASSERT_THAT(issue_credentials(world_.pki(), Role::frontend, "", next, SystemClock{}.now()), Succeeds());
  const auto old = credentials->current();
  const auto replace = [&](const char* name) {
    ASSERT_THAT(write_file(files / name, read_file(next / name, 1 << 20).value()), Succeeds());
  };
  const auto tenant = world_.credentials(Role::tenant, "acme");

  replace("certificate.pem");
  EXPECT_TRUE(eventually([&] {
    EXPECT_THAT(call_as(tenant), Succeeds());
    return !credentials->problem();
  }));
  EXPECT_THAT(credentials->problem(), FailsAt(ErrorCode::invalid_argument, "private_key"));
  EXPECT_EQ(credentials->current(), old);

  replace("key.pem");
  EXPECT_TRUE(eventually([&] { return credentials->current() != old; }));
  EXPECT_THAT(credentials->problem(), Succeeds());
  EXPECT_THAT(call_as(tenant), Succeeds());
}

TEST_F(SecurityTest, DoesNotBecomeSomebodyElseByRotation) {
  const auto files = world_.files(Role::frontend);
  const auto credentials = Credentials::load(credential_files(files).value()).value();
  const auto old = credentials->current();
  const auto other = world_.files(Role::orchestrator);
  for (const auto* name : {"certificate.pem", "key.pem"}) {
    ASSERT_THAT(write_file(files / name, read_file(other / name, 1 << 20).value()), Succeeds());
  }
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(credentials->current(), old);
    return !credentials->problem();
  }));
}

// ---- How much ----

TEST_F(SecurityTest, EndsConnectionsThatSayNothing) {
  start({.idle_time = 50ms});
  auto idle = connect();
  EXPECT_TRUE(idle.ends());
  start({.handshake_time = 50ms});
  const auto silent = silent_connections(server_->port(), 1);
  ASSERT_EQ(silent.size(), 1U);
  char byte = 0;
  EXPECT_EQ(::read(silent.front().get(), &byte, 1), 0);
}

TEST_F(SecurityTest, EndsRequestsThatComeTooSlowly) {
  start({.head_time = 100ms, .body_time = 100ms});
  const auto request = post_json("Echo", "{}");
  for (const auto cut : {std::size_t{1}, request.size() - 1}) {
    auto slow = connect();
    slow.send(request.substr(0, cut));
    EXPECT_TRUE(slow.ends());
  }
  // A byte now and then does not help.
  auto slow = connect();
  slow.send("POST /x HTTP/1.1\r\nX: ");
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(10ms);
    return !slow.send("a");
  }));
  EXPECT_EQ(state_->calls, 0U);
}

TEST_F(SecurityTest, EndsStreamsThatAreNotTaken) {
  start({.stream_queue = 64 * 1024, .write_time = 100ms});
  auto connection = connect();
  connection.send(post("Count", "application/connect+json", to_envelope("{}")));
  ASSERT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
  auto stream = state_->open_streams.take().front();
  testing::CountResponse message;
  message.set_data(std::string(32 * 1024, 'x'));
  bool refused = false;
  EXPECT_TRUE(eventually([&] {
    if (const auto sent = stream.send(message); !sent) {
      refused = refused || sent.error().code == ErrorCode::resource_exhausted;
    }
    return stream.closed();
  }));
  EXPECT_TRUE(refused);
}

TEST_F(SecurityTest, HoldsOnePeerToItsRateAndLeavesOthersAlone) {
  start({.peer_limits = {{Role::tenant, {8, 8, 8, 0.001, 3}}}});
  auto greedy = connect("greedy");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(greedy.exchange(post_json("Echo", "{}")).status, 200U);
  const auto refused = greedy.exchange(post_json("Echo", "{}"));
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(error_from_json(refused.body, 429).code, ErrorCode::resource_exhausted);
  // Another connection is the same peer.
  EXPECT_EQ(connect("greedy").exchange(post_json("Echo", "{}")).status, 429U);
  EXPECT_EQ(connect("modest").exchange(post_json("Echo", "{}")).status, 200U);
  const auto stream =
      greedy.exchange(post("Count", "application/connect+json", to_envelope(R"({"upto":1})")));
  EXPECT_EQ(stream.status, 200U);
  EXPECT_THAT(stream.body, HasSubstr("resource_exhausted"));
}

TEST_F(SecurityTest, BoundsConnectionsOfOnePeer) {
  start({.peer_limits = {{Role::tenant, {2, 8, 8, 1000, 1000}}}});
  auto first = connect("greedy");
  auto second = connect("greedy");
  EXPECT_EQ(first.exchange(post_json("Echo", "{}")).status, 200U);
  EXPECT_EQ(second.exchange(post_json("Echo", "{}")).status, 200U);
  auto third = connect("greedy");
  EXPECT_EQ(third.exchange(post_json("Echo", "{}")).status, 429U);
  EXPECT_TRUE(third.ends());
  EXPECT_EQ(connect("modest").exchange(post_json("Echo", "{}")).status, 200U);
}

TEST_F(SecurityTest, BoundsCallsAndStreamsOfOnePeer) {
  start({.peer_limits = {{Role::tenant, {16, 2, 1, 1000, 1000}}}});
  std::vector<Raw> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(connect("greedy"));
    waiting.back().send(post_json("Echo", R"({"waitMs":600000})"));
  }
  ASSERT_TRUE(eventually([&] { return state_->running == 2; }));
  auto greedy = connect("greedy");
  EXPECT_EQ(greedy.exchange(post_json("Echo", "{}")).status, 429U);
  EXPECT_EQ(connect("modest").exchange(post_json("Echo", "{}")).status, 200U);
  waiting.clear();
  // What they held comes back when their handlers have noticed.
  EXPECT_TRUE(eventually([&] { return greedy.exchange(post_json("Echo", "{}")).status == 200; }));

  auto watching = connect("greedy");
  watching.send(post("Count", "application/connect+json", to_envelope("{}")));
  ASSERT_TRUE(eventually([&] { return state_->open_streams.size() == 1; }));
  const auto count = post("Count", "application/connect+json", to_envelope(R"({"upto":1})"));
  EXPECT_THAT(greedy.exchange(count).body, HasSubstr("resource_exhausted"));
  state_->open_streams.take().front().finish();
  EXPECT_THAT(watching.receive().body, HasSubstr("{}"));
  EXPECT_TRUE(eventually(
      [&] { return greedy.exchange(count).body.find("resource_exhausted") == std::string::npos; }));
}

TEST_F(SecurityTest, RefusesQuicklyWhatItsWorkersCannotTake) {
  start({.workers = 1, .queued_calls = 1});
  auto running = connect("a");
  running.send(post_json("Echo", R"({"waitMs":600000})"));
  ASSERT_TRUE(eventually([&] { return state_->running == 1; }));
  // One waits for the worker until its time is over, the next ones are refused.
  const auto probe = [&] {
    return connect("b").exchange(post_json("Echo", "{}", "Connect-Timeout-Ms: 50\r\n"));
  };
  EXPECT_EQ(probe().status, 504U);
  const auto refused = probe();
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  running = connect("a");
  EXPECT_TRUE(eventually([&] { return probe().status == 200; }));
}

TEST_F(SecurityTest, BoundsTheMemoryOfAllBodies) {
  start({.body_memory = 1024 * 1024});
  const std::string head =
      "POST /sealift.rpc.testing.EchoService/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000000\r\n\r\n";
  auto first = connect("a");
  first.send(head + "{");
  // The head of the first is taken in when another request on another connection has to go without.
  EXPECT_TRUE(eventually([&] {
    auto second = connect("b");
    second.send(head + "{");
    return second.receive().status == 429;
  }));
  EXPECT_EQ(connect("c").exchange(post_json("Echo", "{}")).status, 200U);
}

// The shape of CVE-2023-4785, which stops the listener of Debian's gRPC for good: more idle unauthenticated
// connections than the process has descriptors.
TEST_F(SecurityTest, ServesDuringAndAfterAFloodOfSilentConnections) {
  UniqueFd to_stdin;
  UniqueFd from_stdout;
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  ASSERT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
  UniqueFd child_in{in[0]};
  UniqueFd child_out{out[1]};
  to_stdin = UniqueFd{in[1]};
  from_stdout = UniqueFd{out[0]};
  Command command;
  command.argv = {"sh", "-c", "ulimit -n 256 && exec \"$0\" \"$1\"", SEALIFT_ECHO_SERVER,
                  world_.files(Role::frontend).string()};
  command.stdin_fd = child_in.get();
  command.stdout_fd = child_out.get();
  auto child = spawn(command);
  ASSERT_THAT(child, Succeeds());
  child_in.reset();
  child_out.reset();
  std::array<char, 16> line{};
  ASSERT_GT(::read(from_stdout.get(), line.data(), line.size() - 1), 0);
  const auto port = static_cast<std::uint16_t>(std::atoi(line.data()));

  const auto tenant = world_.credentials(Role::tenant, "acme");
  {
    const auto flood = silent_connections(port, 600);
    EXPECT_GT(flood.size(), 256U);
    for (int i = 0; i < 5; ++i) {
      // A new connection each.
      EXPECT_THAT(channel_to(port, tenant)->call<EchoResponse>(kEcho, EchoRequest{}), Succeeds());
    }
  }
  EXPECT_THAT(channel_to(port, tenant)->call<EchoResponse>(kEcho, EchoRequest{}), Succeeds());
  to_stdin.reset();
  EXPECT_EQ(child->wait(std::chrono::minutes{1}).value(), 0);
}

}  // namespace
}  // namespace sealift::rpc
