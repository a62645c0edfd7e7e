// SPDX-License-Identifier: Apache-2.0
#include "tee/approval_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/keys_for_test.h"

namespace sealift::tee {
namespace {

class ApprovalFilesTest : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) const {
    ASSERT_THAT(write_file(directory_.path() / name, as_bytes(text)), Succeeds());
  }
  static std::string approval(const crypto::PrivateKey& key, std::uint64_t version) {
    return tpm::to_json(tpm::approve(key, tpm::firmware_profile(), "x", version, tpm::some_pcrs()).value());
  }
  ApprovalFiles read() const { return read_approval_files(directory_.path()).value(); }

  const TemporaryDirectory directory_ = TemporaryDirectory::create("sealift-approvals").value();
  const crypto::PrivateKey key_ = tpm::fresh_key(tpm::KeyKind::p256);
};

TEST_F(ApprovalFilesTest, AreReadByTheirNamesEndings) {
  write("1.approval", approval(key_, 1));
  write("2.approval", approval(key_, 2));
  write("README", "no approval");
  write("2.withdrawal", tpm::to_json(tpm::withdraw_below(key_, tpm::firmware_profile(), 2).value()));
  EXPECT_EQ(read().approvals.size(), 2U);
  EXPECT_EQ(read().withdrawals.size(), 1U);
  EXPECT_EQ(read_approval_files({})->approvals.size(), 0U);
  EXPECT_EQ(read_approval_files(directory_.path() / "none")->approvals.size(), 0U);
}

TEST_F(ApprovalFilesTest, ThatDoNotHoldStopNoOthers) {
  write("1.approval", approval(key_, 1));
  auto forged = approval(key_, 1);
  forged.replace(forged.find("\"version\": 1"), 12, "\"version\": 9");
  write("forged.approval", forged);
  write("empty.approval", "");
  write("large.approval", std::string(1U << 20U, ' '));
  std::filesystem::create_directory(directory_.path() / "folder.approval");
  std::filesystem::create_symlink("nowhere", directory_.path() / "link.approval");
  ASSERT_EQ(::mkfifo((directory_.path() / "pipe.approval").c_str(), 0600), 0);
  const auto files = read();
  ASSERT_EQ(files.approvals.size(), 1U);
  EXPECT_EQ(files.approvals[0].version, 1U);
  std::vector<std::pair<std::string, ErrorCode>> rejected;
  for (const auto& file : files.rejected) rejected.emplace_back(file.name, file.why.code);
  const std::vector<std::pair<std::string, ErrorCode>> expected{
      {"empty.approval", ErrorCode::malformed},          {"folder.approval", ErrorCode::malformed},
      {"forged.approval", ErrorCode::signature_invalid}, {"large.approval", ErrorCode::too_large},
      {"link.approval", ErrorCode::malformed},           {"pipe.approval", ErrorCode::malformed}};
  EXPECT_EQ(rejected, expected);
  EXPECT_EQ(files.rejected[2].text().find("forged.approval: signature_invalid: "), 0U);
}

TEST_F(ApprovalFilesTest, NameTheApproverThatAStorageKeyIsBoundTo) {
  const auto stranger = tpm::fresh_key(tpm::KeyKind::p256);
  write("0.approval", approval(stranger, 1));
  write("1.approval", approval(key_, 1));
  const auto approver = tpm::Approver::create(key_.public_key()).value();
  auto area = tpm::firmware_profile().storage_key_template(tpm::KeyKind::p256, approver.name());
  tpm::set_numbers(area, key_.public_key());
  const auto storage_key = tpm::Public::from_template(area).value();
  const auto files = read();
  const auto* const found = files.approver_of(tpm::firmware_profile(), storage_key);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, approver);
  EXPECT_EQ(files.approver_of(tpm::owner_profile(), storage_key), nullptr);
  const auto to_values = tpm::storage_key_of(tpm::fresh_key(tpm::KeyKind::p256), tpm::KeyKind::p256);
  EXPECT_EQ(files.approver_of(tpm::firmware_profile(), to_values), nullptr);
}

TEST_F(ApprovalFilesTest, AreNotEndlesslyMany) {
  for (std::size_t i = 0; i <= kMostApprovalFiles; ++i) write(std::to_string(i), "");
  EXPECT_THAT(read_approval_files(directory_.path()), FailsAt(ErrorCode::too_large, "approvals"));
}

}  // namespace
}  // namespace sealift::tee
