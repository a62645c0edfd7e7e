// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/explain.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/approval.h"
#include "tpm/reference.h"

namespace sealift::ultravisor {
namespace {

constexpr std::array kBanks{tpm::HashAlgorithm::sha256};

/// A machine that is bound to an approver, in a state that nobody approved of.
class Explaining : public testing::Test {
 protected:
  static std::vector<tpm::MeasuredEvent> events(char key, char code) {
    const auto digest = [](char fill) {
      return crypto::digest(crypto::HashAlgorithm::sha256, as_bytes(std::string(1, fill)));
    };
    return tpm::firmware_events({digest(key), true, digest(code), true});
  }
  Explaining() { write(records_.event_log, events('k', 'x')); }
  static void write(const std::filesystem::path& path, const std::vector<tpm::MeasuredEvent>& events) {
    ASSERT_THAT(write_file(path, tpm::expected_log(events, kBanks).bytes()), Succeeds());
  }
  void approve(const std::string& name, const std::vector<tpm::MeasuredEvent>& state,
               const std::vector<tpm::MeasuredEvent>& log) const {
    const auto approval =
        tpm::approve(key_, tpm::firmware_profile(), name, 1, tpm::expected_pcrs(state, kBanks)).value();
    ASSERT_THAT(write_file(records_.approvals / (name + ".approval"), as_bytes(tpm::to_json(approval))),
                Succeeds());
    write(records_.approvals / (name + ".eventlog"), log);
  }
  static Error mismatch() { return {ErrorCode::pcr_differs, "as the TPM says it", "sha256:6", {}}; }

  const TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  const Records records_{directory_.path() / "event.log", directory_.path()};
  const crypto::PrivateKey key_ = crypto::PrivateKey::generate_ec(crypto::Curve::p256).value();
};

TEST_F(Explaining, NamesTheApprovedStateThatIsNearestAndTheEventThatLeavesIt) {
  approve("other keys", events('o', 'c'), events('o', 'c'));
  approve("firmware 7", events('k', 'c'), events('k', 'c'));
  const auto error = explain(mismatch(), records_, -1);
  EXPECT_EQ(error.field, "pcr6.verification-code-hash");
  EXPECT_NE(error.message.find("\"firmware 7\""), std::string::npos) << error.message;
  EXPECT_NE(error.expected, error.found);
}

TEST_F(Explaining, TakesALogForApprovedOnlyWhereItLeadsToAnApprovedState) {
  approve("firmware 7", events('k', 'c'), events('k', 'd'));
  ASSERT_THAT(write_file(directory_.path() / "junk.eventlog", Bytes(100, 1)), Succeeds());
  write(directory_.path() / "alone.eventlog", events('k', 'e'));
  EXPECT_EQ(explain(mismatch(), records_, -1).message, "as the TPM says it");
}

TEST_F(Explaining, TakesTheLogThatCameWithTheImageAsWell) {
  approve("other keys", events('o', 'c'), events('o', 'c'));
  write(directory_.path() / "given", events('k', 'c'));
  const auto given = open_file(directory_.path() / "given", O_RDONLY).value();
  EXPECT_EQ(explain(mismatch(), records_, given.get()).field, "pcr6.verification-code-hash");
  EXPECT_EQ(explain(mismatch(), records_, -1).field, "pcr6.hardware-key-hash");
}

TEST_F(Explaining, ChangesNoOtherError) {
  approve("firmware 7", events('k', 'c'), events('k', 'c'));
  const auto error = explain({ErrorCode::hmac_differs, "message", "hmac", {}}, records_, -1);
  EXPECT_EQ(error.code, ErrorCode::hmac_differs);
  EXPECT_EQ(error.field, "hmac");
  EXPECT_EQ(explain(mismatch(), {directory_.path() / "none", directory_.path()}, -1).field, "sha256:6");
}

}  // namespace
}  // namespace sealift::ultravisor
