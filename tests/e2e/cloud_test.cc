// SPDX-License-Identifier: Apache-2.0
/// The cloud as its users meet it: both key models, tenants that know nothing of each other, processes that
/// are killed. Real processes, real TPMs, real guests.
#include <gmock/gmock.h>
#include <signal.h>

#include <thread>

#include "tests/e2e/cloud_for_test.h"

namespace sealift::e2e {
namespace {

using testing::Contains;
using testing::ElementsAreArray;
using testing::Not;

class Cloud : public testing::Test {
 protected:
  static CloudForTest& cloud() {
    static CloudForTest one{{"--hosts", "2", "--tenant", "acme", "--tenant", "umbrella"}};
    return one;
  }
  static std::string image_id() {
    static const auto id = cli::sealift_json({"image", "show", Chain::get().image()}).value("image_id", "");
    return id;
  }
  /// The words of a launch of the test's image with its seed.
  static Words launch_words(Words more = {}) {
    Words words{Chain::get().image(), "--seed", Chain::get().path("seed")};
    const auto approval = cloud().approval();
    words.insert(words.end(), approval.begin(), approval.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static void wait_for_state(const std::string& id, const std::vector<std::string>& states) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{120};
    std::string state;
    while (std::chrono::steady_clock::now() < until) {
      state = cloud().state_of(id).value("state", "");
      if (std::ranges::find(states, state) != states.end()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    ADD_FAILURE() << id << " stays " << state;
  }
};

TEST_F(Cloud, LaunchesWithAKeyThatTheCustomerKeeps) {
  const auto launched = cloud().launch(launch_words({"--keep-key"}));
  ASSERT_EQ(launched.exit_status, 0) << launched.error;
  EXPECT_EQ(launched.state(), "running");
  EXPECT_THAT(
      launched.events(),
      ElementsAreArray({"318 provisioning_requested", "322 service_confirmed", "324 instance_requested",
                        "325 target_selected", "326 evidence_asked", "328 evidence_received",
                        "330 enrolment_asked", "462 question_relayed", "436 sealed_data_received",
                        "342 sealed_data_inserted", "344 dispatched", "340 image_fetched",
                        "7B components_pinned", "7B operand_found", "7B target_found", "7B seal_opened",
                        "7B payload_verified", "7B components_verified", "7B guest_started"}));
  EXPECT_TRUE(cloud().console_shows(launched.id(), "login:"));
  EXPECT_EQ(cloud().stop(launched.id()).value("state", ""), "ended");
}

TEST_F(Cloud, LaunchesWithAKeyThatTheCustomerBrings) {
  const auto first = cloud().launch(launch_words());
  ASSERT_EQ(first.exit_status, 0) << first.error;
  EXPECT_EQ(first.state(), "running");
  EXPECT_TRUE(cloud().console_shows(first.id(), "login:"));
  EXPECT_EQ(cloud().stop(first.id()).value("state", ""), "ended");

  // Image and seed are there, and the host is enrolled: it is not asked again.
  const auto second = cloud().launch({image_id()});
  ASSERT_EQ(second.exit_status, 0) << second.error;
  EXPECT_THAT(second.events(), Not(Contains("933 question_relayed")));
  EXPECT_THAT(second.events(), Contains("336 sealed_data_received"));
  EXPECT_EQ(cloud().stop(second.id()).value("state", ""), "ended");
}

TEST_F(Cloud, LaunchesNothingThatItsTenantHasRevokedAndTellsOfItOffline) {
  const auto first = cloud().launch(launch_words());
  ASSERT_EQ(first.exit_status, 0) << first.error;
  EXPECT_EQ(cloud().stop(first.id()).value("state", ""), "ended");
  cli::sealift_json(cloud().words({"revoke", "image", image_id()}));
  EXPECT_EQ(cli::sealift_json(cloud().words({"revoke", "list"})).at("revocations").size(), 1U);
  const auto refused = cloud().launch({image_id()});
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("code", ""), "failed_precondition") << refused.error;
  EXPECT_EQ(refused.error.value("field", ""), "image_id");
  cli::sealift_json(cloud().words({"revoke", "image", image_id(), "--reinstate"}));
  const auto again = cloud().launch({image_id()});
  ASSERT_EQ(again.exit_status, 0) << again.error;
  EXPECT_EQ(cloud().stop(again.id()).value("state", ""), "ended");

  const auto enrolled = cli::sealift_json(cloud().words({"seed", "hosts"})).at("hosts");
  ASSERT_GE(enrolled.size(), 1U);
  const auto host = enrolled[0].at("host").get<std::string>();
  const auto purged = cli::sealift_json(cloud().words({"revoke", "host", host, "--purge"}));
  EXPECT_GE(purged.at("authorizations").get<int>(), 1);
  EXPECT_EQ(cli::sealift_json(cloud().words({"seed", "hosts"})).at("hosts").size(), enrolled.size() - 1);
  EXPECT_EQ(cli::sealift_json(cloud().words({"revoke", "list"})).at("revocations")[0].at("subject"), host);
  cli::sealift_json(cloud().words({"revoke", "host", host, "--reinstate"}));

  const auto bundle = cloud().path("log.bundle");
  const auto key = cloud().path("log.pem");
  cli::sealift_json(cloud().words({"audit", "export", "--out", bundle, "--key", key}));
  EXPECT_EQ(cli::sealift_json({"audit", "verify", bundle, "--key", key}).value("verdict", ""), "holds");
  std::string log;
  const auto receipt = cloud().path("first.receipt");
  cli::sealift_json({"audit", "prove", bundle, "--entry", "0", "--out", receipt});
  EXPECT_EQ(cli::sealift_json({"audit", "verify", receipt, "--key", key}).value("entry", 1), 0);
  const auto told = cli::sealift_json({"audit", "tail", bundle, "--lines", "100"});
  for (const auto& entry : told.at("entries")) log += entry.value("text", "");
  EXPECT_NE(log.find("\"subject\":\"image:" + image_id()), std::string::npos) << log;
  EXPECT_NE(log.find("\"code\":\"failed_precondition\""), std::string::npos) << log;
}

TEST_F(Cloud, RefusesHostsThatTheCustomerDoesNotApproveOf) {
  auto words = Words{Chain::get().image(),
                     "--seed",
                     Chain::get().path("seed"),
                     "--keep-key",
                     "--root",
                     cloud().description().value("root", ""),
                     "--intermediate",
                     cloud().description().value("intermediate", ""),
                     "--pcr",
                     "sha256:6=" + std::string(64, 'a')};
  const auto refused = cloud().launch(words);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.error.value("code", ""), "storage_key_policy_differs");
  EXPECT_THAT(refused.events(), Contains("325 target_given_up"));
}

TEST_F(Cloud, RefusesHostsOfAMakerThatTheCustomerDoesNotKnow) {
  const auto& chain = Chain::get();
  chain.host({"create", "stranger"});
  auto words = Words{chain.image(),      "--seed",
                     chain.path("seed"), "--keep-key",
                     "--root",           chain.path("machines/ca/root.pem"),
                     "--intermediate",   chain.path("machines/ca/intermediate.pem"),
                     "--reference",      cloud().reference()};
  const auto refused = cloud().launch(words);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.error.value("code", ""), testing::AnyOf("issuer_untrusted", "issuer_missing"));
}

TEST_F(Cloud, ShowsNothingOfOneTenantToAnother) {
  const auto launched = cloud().launch(launch_words());
  ASSERT_EQ(launched.exit_status, 0) << launched.error;
  const auto id = launched.id();
  const auto refused = [](Words command) {
    const auto error = cli::sealift_error(cloud().words(std::move(command), "umbrella"), 3);
    EXPECT_EQ(error.value("code", ""), "not_found") << error;
  };
  refused({"events", id});
  refused({"console", id});
  refused({"stop", id});
  refused({"image", "delete", image_id()});
  refused({"launch", image_id(), "--yes"});
  EXPECT_TRUE(cli::sealift_json(cloud().words({"ps", "--all"}, "umbrella")).at("launches").empty());
  EXPECT_TRUE(cli::sealift_json(cloud().words({"images"}, "umbrella")).at("images").empty());
  EXPECT_TRUE(cli::sealift_json(cloud().words({"seed", "list"}, "umbrella")).at("seeds").empty());
  EXPECT_EQ(cloud().state_of(id).value("state", ""), "running");
  EXPECT_EQ(cloud().stop(id).value("state", ""), "ended");
}

TEST_F(Cloud, ShowsItsHostsToItsOperatorsOnly) {
  auto words = Words{"hosts"};
  const auto as_operator = cloud().as_operator();
  words.insert(words.end(), as_operator.begin(), as_operator.end());
  const auto hosts = cli::sealift_json(words).at("hosts");
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].value("host_id", ""), "host-1");
  EXPECT_TRUE(hosts[0].value("answering", false));
  cli::sealift_error(cloud().words({"hosts"}), 3);
}

TEST_F(Cloud, KeepsGuestsWhileItsOwnProcessesAreKilled) {
  const auto launched = cloud().launch(launch_words());
  ASSERT_EQ(launched.exit_status, 0) << launched.error;
  for (const auto* name : {"orchestrator", "frontend", "sm-acme", "host-1", "host-2"}) {
    const auto pid = cloud().process(name);
    ASSERT_GT(pid, 0) << name;
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
  }
  wait_for_state(launched.id(), {"running"});
  EXPECT_TRUE(cloud().console_shows(launched.id(), "login:"));
  EXPECT_EQ(cloud().stop(launched.id()).value("state", ""), "ended");
}

}  // namespace
}  // namespace sealift::e2e
