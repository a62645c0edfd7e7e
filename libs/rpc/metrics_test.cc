// SPDX-License-Identifier: Apache-2.0
#include "rpc/metrics.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "rpc/testing/raw.h"
#include "rpc/testing/world.h"
#include "testing/echo.pb.h"

namespace sealift::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kEcho = "sealift.rpc.testing.EchoService.Echo";
constexpr auto kGet = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() {
    ServerOptions options;
    auto router = testing::echo_router();
    add_metrics(options, router);
    server_ = world_.serve(std::move(options), std::move(router));
  }
  testing::RawAnswer get(Role role, const std::string& name = {}, std::string_view request = kGet) {
    return testing::Raw::connect(*server_, world_.credentials(role, name)).exchange(request);
  }
  void echo(const std::string& fail_with = {}) {
    testing::EchoRequest request;
    request.set_fail_with(fail_with);
    (void)world_.channel(*server_)->call<testing::EchoResponse>(kEcho, request);
  }

  testing::World world_;
  std::unique_ptr<Server> server_;
};

TEST_F(MetricsTest, CountCallsByMethodAndOutcomeForOperators) {
  echo();
  echo();
  echo("kernel_differs");
  const auto answer = get(Role::administrator);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_THAT(answer.headers.at("content-type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(
      answer.body,
      HasSubstr("sealift_calls_total{code=\"ok\",method=\"sealift.rpc.testing.EchoService.Echo\"} 2"));
  EXPECT_THAT(
      answer.body,
      HasSubstr(
          "sealift_calls_total{code=\"kernel_differs\",method=\"sealift.rpc.testing.EchoService.Echo\"} 1"));
  EXPECT_THAT(answer.body,
              HasSubstr("sealift_call_seconds_count{method=\"sealift.rpc.testing.EchoService.Echo\"} 3"));
}

TEST_F(MetricsTest, SayNothingOfWhoCalled) {
  echo();
  EXPECT_THAT(get(Role::administrator).body, Not(HasSubstr("acme")));
}

TEST_F(MetricsTest, AreForOperatorsAlone) {
  for (const auto role : {Role::tenant, Role::host, Role::security_module})
    EXPECT_EQ(get(role, "acme").status, 403U);
  for (const auto role : {Role::frontend, Role::orchestrator}) EXPECT_EQ(get(role).status, 403U);
}

TEST_F(MetricsTest, CanOnlyBeRead) {
  const auto answer = get(Role::administrator, {},
                          "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(answer.status, 405U);
  EXPECT_EQ(answer.headers.at("allow"), "GET");
}

TEST_F(MetricsTest, CountUnknownMethodsTogether) {
  (void)get(Role::tenant, "acme", "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  (void)get(Role::tenant, "acme", "GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(get(Role::administrator).body,
              HasSubstr("sealift_calls_total{code=\"unimplemented\",method=\"unknown\"} 2"));
}

}  // namespace
}  // namespace sealift::rpc
