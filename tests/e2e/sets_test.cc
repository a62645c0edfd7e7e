// SPDX-License-Identifier: Apache-2.0
/// Images that are sealed ahead to a set of hosts, as their customer types it: launched while the security
/// module does not answer, and not any more once the host is revoked.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/e2e/cloud_for_test.h"
#include "tests/e2e/mini_image_for_test.h"

namespace sealift::e2e {
namespace {

using testing::Contains;
using testing::Not;

class Sets : public testing::Test {
 protected:
  Sets() {
    Words words{image_.directory(), "--seed", image_.seed_file()};
    const auto approval = cloud_.approval();
    words.insert(words.end(), approval.begin(), approval.end());
    expect_runs(cloud_.launch(words));
  }
  Json typed(Words words) const { return cli::sealift_json(cloud_.words(std::move(words))); }
  /// To its end.
  void expect_runs(const CloudForTest::Launched& launched) const {
    ASSERT_EQ(launched.exit_status, 0) << launched.error;
    EXPECT_EQ(launched.state(), "running");
    EXPECT_TRUE(cloud_.console_shows(launched.id(), "hello"));
    EXPECT_EQ(cloud_.stop(launched.id()).value("state", ""), "ended");
  }

  const CloudForTest cloud_{{"--hosts", "1", "--tenant", "acme"}};
  const TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-sets").value();
  const MiniImage image_{directory_.path()};
};

TEST_F(Sets, ThatWereSealedToLaunchWithoutTheSecurityModule) {
  const auto made = typed({"set", "create", "fleet", "--all", "--label", "rack=7"});
  EXPECT_EQ(made.value("host_count", 0), 1);
  const auto sealed = typed({"set", "seal", "fleet", image_.id()});
  EXPECT_EQ(sealed.value("images", 0), 1) << sealed;
  EXPECT_EQ(sealed.value("seals", 0), 1) << sealed;
  EXPECT_EQ(typed({"set", "show", "fleet"}).at("images"), Json::array({image_.id()}));

  const auto security_module = cloud_.process("sm-acme");
  ASSERT_GT(security_module, 0);
  ASSERT_EQ(::kill(security_module, SIGSTOP), 0);
  const auto launched = cloud_.launch({image_.id()});
  ASSERT_EQ(::kill(security_module, SIGCONT), 0);
  EXPECT_THAT(launched.events(), Contains("338 sealed_ahead"));
  EXPECT_THAT(launched.events(), Not(Contains("326 evidence_asked")));
  EXPECT_THAT(launched.events(), Contains("7B seal_opened"));
  expect_runs(launched);

  // The host's slot goes with the trust in it, and the security module is asked again.
  const auto host = typed({"set", "show", "fleet"}).at("hosts").at(0).get<std::string>();
  EXPECT_EQ(typed({"revoke", "host", host}).value("sealed_images", 0), 1);
  EXPECT_TRUE(typed({"set", "show", "fleet"}).at("images").empty());
  const auto refused = cloud_.launch({image_.id()});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("field", ""), "storage_key") << refused.error;
  const auto again = cli::sealift(cloud_.words({"set", "seal", "fleet", image_.id(), "--json"}));
  EXPECT_EQ(again.exit_status, 1) << again.err;

  typed({"revoke", "host", host, "--reinstate"});
  EXPECT_EQ(typed({"set", "seal", "fleet", "--all"}).value("seals", 0), 1);
  EXPECT_EQ(typed({"set", "remove", "fleet", "--host", host}).value("host_count", 1), 0);
  EXPECT_TRUE(typed({"set", "show", "fleet"}).at("images").empty());
  EXPECT_EQ(typed({"set", "delete", "fleet"}).value("images", 1), 0);
  EXPECT_TRUE(typed({"set", "list"}).at("sets").empty());
}

}  // namespace
}  // namespace sealift::e2e
