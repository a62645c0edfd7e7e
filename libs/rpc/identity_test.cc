// SPDX-License-Identifier: Apache-2.0
#include "rpc/identity.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::rpc {
namespace {

struct Example {
  std::string uri;
  Identity identity;
};
const std::vector<Example> kExamples{
    {"spiffe://example.org/tenant/acme", {"example.org", Role::tenant, "acme"}},
    {"spiffe://example.org/frontend", {"example.org", Role::frontend, ""}},
    {"spiffe://example.org/orchestrator", {"example.org", Role::orchestrator, ""}},
    {"spiffe://acme.example/sm/acme", {"acme.example", Role::security_module, "acme"}},
    {"spiffe://zone-1/host/h_0.a-9", {"zone-1", Role::host, "h_0.a-9"}},
    {"spiffe://z/operator", {"z", Role::administrator, ""}},
};

TEST(Identity, ReadsWhatItWrites) {
  for (const auto& [uri, identity] : kExamples) {
    const auto parsed = parse_identity(uri);
    ASSERT_THAT(parsed, Succeeds()) << uri;
    EXPECT_EQ(*parsed, identity);
    EXPECT_EQ(identity.text(), uri);
  }
}

TEST(Identity, RefusesEveryTruncation) {
  for (const std::string uri : {"spiffe://example.org/frontend", "spiffe://example.org/tenant/"}) {
    for (std::size_t size = 0; size < uri.size(); ++size) {
      EXPECT_THAT(parse_identity(uri.substr(0, size)), FailsWith(ErrorCode::malformed))
          << uri.substr(0, size);
    }
  }
}

TEST(Identity, RefusesWhatIsNotExactlyOne) {
  for (const std::string uri : {"",
                                "spiffe://",
                                "spiffe:///tenant/a",
                                "http://example.org/tenant/a",
                                "SPIFFE://example.org/tenant/a",
                                "spiffe://example.org",
                                "spiffe://example.org/",
                                "spiffe://example.org/tenant",
                                "spiffe://example.org/tenant/",
                                "spiffe://example.org/tenant/a/",
                                "spiffe://example.org/tenant/a/b",
                                "spiffe://example.org//tenant/a",
                                "spiffe://example.org/tenant/../frontend",
                                "spiffe://example.org/tenant/..",
                                "spiffe://example.org/tenant/.",
                                "spiffe://example.org/tenant/A",
                                "spiffe://example.org/tenant/a%2fb",
                                "spiffe://example.org/tenant/-a",
                                "spiffe://example.org/tenant/a-",
                                "spiffe://example.org/tenant/a?x",
                                "spiffe://example.org/tenant/a#x",
                                "spiffe://example.org:443/tenant/a",
                                "spiffe://user@example.org/tenant/a",
                                "spiffe://Example.org/tenant/a",
                                "spiffe://example.org/frontend/",
                                "spiffe://example.org/frontend/x",
                                "spiffe://example.org/root/x",
                                "spiffe://example.org/tenant/a ",
                                " spiffe://example.org/tenant/a",
                                "spiffe://example.org/tenant/\xc3\xa4"}) {
    EXPECT_THAT(parse_identity(uri), FailsWith(ErrorCode::malformed)) << uri;
  }
  EXPECT_THAT(parse_identity(std::string_view{"spiffe://example.org/tenant/a\0", 30}),
              FailsWith(ErrorCode::malformed));
}

TEST(Identity, HasBoundedLengths) {
  const auto with_name = [](std::size_t size) { return "spiffe://d/tenant/" + std::string(size, 'a'); };
  const auto with_domain = [](std::size_t size) {
    return "spiffe://" + std::string(size, 'd') + "/frontend";
  };
  EXPECT_THAT(parse_identity(with_name(63)), Succeeds());
  EXPECT_THAT(parse_identity(with_name(64)), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(parse_identity(with_domain(255)), Succeeds());
  EXPECT_THAT(parse_identity(with_domain(256)), FailsWith(ErrorCode::malformed));
}

TEST(Identity, KnowsEveryRoleByName) {
  for (const auto* name : {"tenant", "frontend", "orchestrator", "sm", "host", "operator"}) {
    const auto role = parse_role(name);
    ASSERT_THAT(role, Succeeds());
    EXPECT_EQ(role_name(*role), name);
  }
  EXPECT_THAT(parse_role("administrator"), FailsAt(ErrorCode::invalid_argument, "role"));
}

}  // namespace
}  // namespace sealift::rpc
