// SPDX-License-Identifier: Apache-2.0
/// The cloud scaled out: state in PostgreSQL, images in S3, two orchestrators of which one is killed.
#include <gmock/gmock.h>
#include <signal.h>

#include <future>

#include "objects/swift_for_test.h"
#include "store/sql/postgres_for_test.h"
#include "tests/e2e/cloud_for_test.h"

namespace sealift::e2e {
namespace {

class Replicas : public testing::Test {
 protected:
  Words launch_words() const {
    Words words{Chain::get().image(), "--seed", Chain::get().path("seed")};
    const auto approval = cloud_.approval();
    words.insert(words.end(), approval.begin(), approval.end());
    return words;
  }

  std::string bucket_url() const {
    EXPECT_TRUE(s3_.create_bucket("images"));
    return s3_.url("images");
  }

  std::unique_ptr<sql::PostgresForTest> postgres_ = sql::PostgresForTest::start().value();
  objects::SwiftForTest s3_ = objects::SwiftForTest::start().value();
  CloudForTest cloud_{{"--hosts", "2", "--database", postgres_->new_database().value(), "--orchestrators",
                       "2", "--objects", bucket_url(), "--objects-ca", s3_.ca_file().string()}};
};

TEST_F(Replicas, GoOnWithWhatOneOfThemLeavesBehind) {
  const auto first = cloud_.launch(launch_words());
  ASSERT_EQ(first.exit_status, 0) << first.error;
  std::vector<std::future<CloudForTest::Launched>> launches;
  const auto image_id = first.lines.back()["launch"].value("image_id", "");
  for (int i = 0; i < 4; ++i) {
    launches.push_back(
        std::async(std::launch::async, [this, image_id] { return cloud_.launch({image_id}); }));
  }
  // The supervisor starts it again; until then the other one does its work.
  for (int i = 0; i < 3; ++i) {
    const auto pid = cloud_.process("orchestrator");
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
  }
  for (auto& launch : launches) {
    const auto done = launch.get();
    EXPECT_EQ(done.exit_status, 0) << done.error;
    EXPECT_EQ(done.state(), "running");
    EXPECT_EQ(cloud_.stop(done.id()).value("state", ""), "ended");
  }
  EXPECT_EQ(cloud_.stop(first.id()).value("state", ""), "ended");
}

}  // namespace
}  // namespace sealift::e2e
