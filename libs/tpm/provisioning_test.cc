// SPDX-License-Identifier: Apache-2.0
#include "tpm/provisioning.h"

#include <gtest/gtest.h>
#include <tss2/tss2_tpm2_types.h>

#include <fmt/core.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/commands.h"
#include "tpm/nv.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

struct Kind {
  const char* name;
  const Profile& (*profile)() noexcept;
  KeyKind key;
};

PcrValues approved(std::uint8_t fill = 0) {
  return PcrValues::from_values({{HashAlgorithm::sha256, 6, Digest{Bytes(32, fill)}}}).value();
}

class Provisioning : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto started = SwtpmForTest::start();
    ASSERT_THAT(started, Succeeds());
    swtpm_ = std::make_unique<SwtpmForTest>(std::move(*started));
    auto opened = Tpm::open(swtpm_->tcti());
    ASSERT_THAT(opened, Succeeds());
    tpm_ = std::make_unique<Tpm>(std::move(*opened));
  }
  const Profile& profile() const { return GetParam().profile(); }
  MachinePlan plan() const { return {&profile(), GetParam().key, approved()}; }
  std::string tool(std::vector<std::string> argv) const {
    const auto output = swtpm_->tool_checked(std::move(argv));
    EXPECT_THAT(output, Succeeds());
    return output ? output->out : "";
  }
  std::string authority_name() const { return profile().hierarchy == Hierarchy::platform ? "p" : "o"; }

  std::unique_ptr<SwtpmForTest> swtpm_;
  std::unique_ptr<Tpm> tpm_;
};

INSTANTIATE_TEST_SUITE_P(Machines, Provisioning,
                         testing::Values(Kind{"firmware_rsa", firmware_profile, KeyKind::rsa2048},
                                         Kind{"firmware_ecc", firmware_profile, KeyKind::p256},
                                         Kind{"owner_rsa", owner_profile, KeyKind::rsa2048},
                                         Kind{"owner_ecc", owner_profile, KeyKind::p256}),
                         [](const auto& kind) { return kind.param.name; });

std::string hex_of(Handle handle) { return fmt::format("{:#x}", handle); }

TEST_P(Provisioning, MakesTheStorageKeyThatToolsSee) {
  const auto machine = provision(*tpm_, plan(), {});
  ASSERT_THAT(machine, Succeeds());
  const auto file = swtpm_->path("key.pub");
  const auto shown = tool({"tpm2_readpublic", "-c", hex_of(profile().storage_key), "-o", file.native()});
  EXPECT_NE(shown.find("value: fixedtpm|fixedparent|sensitivedataorigin|noda|restricted|decrypt\n"),
            std::string::npos)
      << shown;
  EXPECT_NE(shown.find("authorization policy: " + to_hex(profile().storage_key_policy(approved()).view())),
            std::string::npos)
      << shown;
  EXPECT_NE(shown.find("name: " + machine->storage_key.name().hex()), std::string::npos) << shown;
  EXPECT_EQ(read_file(file, 4096).value(), to_bytes(machine->storage_key.tpm2b()));
}

TEST_P(Provisioning, MakesTheNvIndexThatToolsSee) {
  ASSERT_THAT(provision(*tpm_, plan(), {}), Succeeds());
  const auto shown = tool({"tpm2_nvreadpublic", hex_of(profile().password_index)});
  EXPECT_NE(shown.find("name: " + profile().password_index_name().hex()), std::string::npos) << shown;
  EXPECT_NE(shown.find("size: 32"), std::string::npos) << shown;
}

TEST_P(Provisioning, ChangesNothingWhenRunAgain) {
  const auto first = provision(*tpm_, plan(), {});
  ASSERT_THAT(first, Succeeds());
  const auto commands = tpm_->statistics().commands;
  const auto second = provision(*tpm_, plan(), {});
  ASSERT_THAT(second, Succeeds());
  EXPECT_EQ(first->storage_key, second->storage_key);
  EXPECT_EQ(tpm_->statistics().commands - commands, 6U);  // reads only
}

TEST_P(Provisioning, FinishesWhatWasInterruptedBeforeTheFirstWrite) {
  const auto authority = Entity::permanent(static_cast<Handle>(profile().hierarchy));
  auto session = Session::empty_auth();
  ASSERT_THAT(nv_define(*tpm_, authority, session, profile().password_index_public(), {}), Succeeds());
  EXPECT_THAT(provision(*tpm_, plan(), {}), Succeeds());
}

TEST_P(Provisioning, NamesWhatDiffersInAnNvIndexThatIsThere) {
  const auto authority = Entity::permanent(static_cast<Handle>(profile().hierarchy));
  const auto define = [&](auto change) {
    auto area = profile().password_index_public();
    change(area);
    auto session = Session::empty_auth();
    ASSERT_THAT(nv_define(*tpm_, authority, session, area, {}), Succeeds());
  };
  const auto undefine = [&] {
    tool({"tpm2_nvundefine", "-C", authority_name(), hex_of(profile().password_index)});
  };
  define([](TPMS_NV_PUBLIC& area) { area.attributes &= ~std::uint32_t{TPMA_NV_NO_DA}; });
  EXPECT_THAT(provision(*tpm_, plan(), {}), FailsAt(ErrorCode::already_exists, "nv_index.attributes"));
  undefine();
  define([](TPMS_NV_PUBLIC& area) { area.authPolicy.buffer[3] ^= 1; });
  EXPECT_THAT(provision(*tpm_, plan(), {}), FailsAt(ErrorCode::already_exists, "nv_index.policy"));
  undefine();
  define([](TPMS_NV_PUBLIC& area) { area.dataSize = 33; });
  EXPECT_THAT(provision(*tpm_, plan(), {}), FailsAt(ErrorCode::already_exists, "nv_index.size"));
}

TEST_P(Provisioning, NamesWhatDiffersInAStorageKeyThatIsThere) {
  ASSERT_THAT(provision(*tpm_, plan(), {}), Succeeds());
  auto other = plan();
  other.bound_to = approved(1);
  EXPECT_THAT(provision(*tpm_, other, {}), FailsAt(ErrorCode::already_exists, "storage_key.policy"));
  other = plan();
  other.storage_key = GetParam().key == KeyKind::p256 ? KeyKind::rsa2048 : KeyKind::p256;
  EXPECT_THAT(provision(*tpm_, other, {}), FailsAt(ErrorCode::already_exists, "storage_key.algorithm"));
  tool({"tpm2_evictcontrol", "-C", authority_name(), "-c", hex_of(profile().storage_key)});
  tool({"tpm2_createprimary", "-C", authority_name(), "-c", swtpm_->path("key").native()});
  tool({"tpm2_evictcontrol", "-C", authority_name(), "-c", swtpm_->path("key").native(),
        hex_of(profile().storage_key)});
  tool({"tpm2_flushcontext", "-t"});
  auto plain = plan();
  plain.storage_key = KeyKind::rsa2048;
  EXPECT_THAT(provision(*tpm_, plain, {}), FailsAt(ErrorCode::already_exists, "storage_key.attributes"));
}

TEST_P(Provisioning, LeavesNoSlotsInUse) {
  ASSERT_THAT(provision(*tpm_, plan(), {}), Succeeds());
  for (int i = 0; i < 20; ++i) ASSERT_THAT(rotate_boot_password(*tpm_, profile(), {}), Succeeds());
  EXPECT_TRUE(handles_in_use(*tpm_, kFirstTransient).value().empty());
  EXPECT_TRUE(handles_in_use(*tpm_, kFirstLoadedSession).value().empty());
}

TEST_P(Provisioning, MakesABootPasswordThatToolsCanUseUntilTheNext) {
  ASSERT_THAT(provision(*tpm_, plan(), {}), Succeeds());
  const auto first = rotate_boot_password(*tpm_, profile(), {});
  ASSERT_THAT(first, Succeeds());
  const auto index = hex_of(profile().password_index);
  const auto read = [&](const Secret<kBootPasswordSize>& password) {
    return swtpm_->tool_checked(
        {"tpm2_nvread", "-C", index, "-P", "hex:" + to_hex(password.expose()), index});
  };
  EXPECT_THAT(read(*first), Succeeds());
  const auto second = rotate_boot_password(*tpm_, profile(), {});
  ASSERT_THAT(second, Succeeds());
  EXPECT_FALSE(second->equals(first->expose()));
  EXPECT_THAT(read(*first), FailsWith(ErrorCode::io_error));
  EXPECT_THAT(read(*second), Succeeds());
}

TEST_P(Provisioning, NeedsTheHierarchysAuthAndForgetsItForGood) {
  ASSERT_THAT(provision(*tpm_, plan(), {}), Succeeds());
  ASSERT_THAT(randomise_auth(*tpm_, profile().hierarchy, {}), Succeeds());
  EXPECT_THAT(rotate_boot_password(*tpm_, profile(), {}), FailsWith(ErrorCode::tpm_error));
  EXPECT_THAT(randomise_auth(*tpm_, profile().hierarchy, {}), FailsWith(ErrorCode::tpm_error));
  EXPECT_THAT(provision(*tpm_, plan(), {}), Succeeds());  // all is there: nothing to authorize
  EXPECT_TRUE(handles_in_use(*tpm_, kFirstLoadedSession).value().empty());
}

TEST_P(Provisioning, WorksUnderAHierarchyThatHasAnAuthValue) {
  // Ends with a zero, which the TPM does not keep.
  const Bytes auth{'s', 'e', 'c', 'r', 'e', 't', 0};
  const auto hierarchy = Entity::permanent(static_cast<Handle>(profile().hierarchy));
  {
    auto session = Session::start_hmac(*tpm_, hierarchy);
    ASSERT_THAT(session, Succeeds());
    ASSERT_THAT(change_hierarchy_auth(*tpm_, hierarchy, *session, auth), Succeeds());
  }
  HierarchyAuths auths;
  (profile().hierarchy == Hierarchy::platform ? auths.platform : auths.owner) = SecretBytes::copy_of(auth);
  EXPECT_THAT(provision(*tpm_, plan(), {}), FailsWith(ErrorCode::tpm_error));
  EXPECT_THAT(provision(*tpm_, plan(), auths), Succeeds());
  EXPECT_THAT(rotate_boot_password(*tpm_, profile(), auths), Succeeds());
  EXPECT_THAT(randomise_auth(*tpm_, profile().hierarchy, auths), Succeeds());
}

TEST_P(Provisioning, IsVoidAfterTheSeedsHaveChanged) {
  ASSERT_THAT(provision(*tpm_, plan(), {}), Succeeds());
  const auto platform = Entity::permanent(static_cast<Handle>(Hierarchy::platform));
  for (auto* const change : {change_platform_seed, change_endorsement_seed, clear}) {
    auto session = Session::start_hmac(*tpm_, platform);
    ASSERT_THAT(session, Succeeds());
    EXPECT_THAT(change(*tpm_, platform, *session), Succeeds());
  }
  const auto key = find_public(*tpm_, profile().storage_key);
  ASSERT_THAT(key, Succeeds());
  EXPECT_FALSE(key->has_value());
}

}  // namespace
}  // namespace sealift::tpm
