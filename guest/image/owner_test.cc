// SPDX-License-Identifier: Apache-2.0
#include "guest/image/owner.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/matchers.h"

namespace sealift::image {
namespace {

LaunchInputs inputs() {
  const std::array<std::uint8_t, 16> id{1, 2, 3};
  return {esm::ImageId{id}, crypto::Digest{Bytes(32, 4)}, crypto::Digest{Bytes(32, 5)},
          "console=ttyS0 quoted=\"a b\""};
}

TEST(AnOwner, KeepsWhatTheLaunchNeedsAndReadsItAgain) {
  const auto directory = TemporaryDirectory::create().value();
  std::vector<guest::CustomerData> entries;
  entries.push_back({std::string{guest::kRootPassphraseName}, SecretBytes::copy_of(as_bytes("pass"))});
  ASSERT_THAT(write_owner(directory.path(), inputs(), entries), Succeeds());
  const auto owner = read_owner(directory.path());
  ASSERT_THAT(owner, Succeeds());
  EXPECT_EQ(format_launch_inputs(owner->inputs), format_launch_inputs(inputs()));
  ASSERT_EQ(owner->customer_data.size(), 1U);
  EXPECT_TRUE(owner->customer_data.front().value.equals(as_bytes("pass")));
  struct stat status{};
  ASSERT_EQ(stat((directory.path() / "customer-data").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(AnOwner, RefusesInputsNamingTheMemberThatIsWrong) {
  const auto fails_at = [](const std::string& from, const std::string& to, const std::string& member) {
    auto text = format_launch_inputs(inputs());
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    EXPECT_THAT(parse_launch_inputs(as_bytes(text)), FailsAt(ErrorCode::malformed, member)) << to;
  };
  fails_at("owner-v1", "owner-v2", "format");
  fails_at("01020300", "0102030", "image_id");
  fails_at("04040404", "040404", "kernel_sha256");
  fails_at("05050505", "0505050x", "initramfs_sha256");
  fails_at("console=", "console\\n=", "cmdline");
  fails_at("console=", std::string(3000, 'c'), "cmdline");
  fails_at("\"cmdline\"", "\"command\"", "command");
}

TEST(AnOwner, RefusesEveryTruncationOfItsInputs) {
  const auto text = format_launch_inputs(inputs());
  for (std::size_t size = 0; size + 1 < text.size(); ++size)
    EXPECT_FALSE(parse_launch_inputs(as_bytes(text.substr(0, size)))) << size;
}

}  // namespace
}  // namespace sealift::image
