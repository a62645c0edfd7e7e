// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/areas.h"
#include "tpm/seal.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

struct Case {
  const Profile* profile;
  std::string hierarchy;
  std::string nv_attributes;
  KeyKind kind;
  std::string algorithm;
};

/// A machine provisioned by tpm2-tools alone, from the words of design section 6.
class ProvisionedByTools : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    auto swtpm = SwtpmForTest::start();
    ASSERT_THAT(swtpm, Succeeds());
    swtpm_.emplace(*std::move(swtpm));
    run({"tpm2_pcrextend", "6:sha256=" + std::string(64, '1')});
    define_password_index();
    create_storage_key();
  }

  void define_password_index() {
    const auto& profile = *GetParam().profile;
    write("nv.policy", profile.password_index_policy().view());
    run({"tpm2_nvdefine", index(), "-C", GetParam().hierarchy, "-s", "32", "-a", GetParam().nv_attributes,
         "-L", file("nv.policy"), "-p", "password"});
    write("zeros", Bytes(32));
    run({"tpm2_nvwrite", index(), "-C", GetParam().hierarchy, "-i", file("zeros")});
  }

  void create_storage_key() {
    write("key.policy", GetParam().profile->storage_key_policy(pcrs_).view());
    run({"tpm2_createprimary", "-C", GetParam().hierarchy, "-G", GetParam().algorithm, "-a",
         "fixedtpm|fixedparent|sensitivedataorigin|restricted|decrypt|noda", "-L", file("key.policy"), "-c",
         file("key")});
    run({"tpm2_readpublic", "-c", file("key"), "-o", file("key.pub"), "-n", file("key.name")});
  }

  /// A policy session that satisfies the storage key's policy.
  void begin_session() {
    (void)swtpm_->tool({"tpm2_flushcontext", file("session")});
    run({"tpm2_startauthsession", "--policy-session", "-S", file("session")});
    run({"tpm2_policysecret", "-S", file("session"), "-c", index(), "password"});
    run({"tpm2_policypcr", "-S", file("session"), "-l", "sha256:6"});
  }

  std::string index() const { return std::to_string(GetParam().profile->password_index); }
  std::string file(const std::string& name) const { return swtpm_->path(name).native(); }
  Bytes read(const std::string& name) const { return read_file(file(name), 4096).value(); }
  void write(const std::string& name, ByteView bytes) {
    ASSERT_THAT(write_file(file(name), bytes), Succeeds());
  }
  Result<Output> tool(std::vector<std::string> argv) {
    (void)swtpm_->tool({"tpm2_flushcontext", "-t"});  // nothing manages the TPM's three slots for the tools
    return swtpm_->tool_checked(std::move(argv));
  }
  std::string run(std::vector<std::string> argv) {
    auto output = tool(std::move(argv));
    EXPECT_THAT(output, Succeeds());
    return output ? output->out : std::string{};
  }

  std::optional<SwtpmForTest> swtpm_;
  PcrValues pcrs_ =
      PcrValues::from_values({{.hash = HashAlgorithm::sha256,
                               .index = 6,
                               .value = crypto::digest(HashAlgorithm::sha256, {Bytes(32), Bytes(32, 0x11)})}})
          .value();
};

TEST_P(ProvisionedByTools, HasThePasswordIndexUnderItsPredictedName) {
  const auto shown = run({"tpm2_nvreadpublic", index()});
  EXPECT_NE(shown.find(GetParam().profile->password_index_name().hex()), std::string::npos) << shown;
}

TEST_P(ProvisionedByTools, HasTheStorageKeyOfTheTemplate) {
  const auto key = Public::parse(read("key.pub"));
  ASSERT_THAT(key, Succeeds());
  auto area = GetParam().profile->storage_key_template(GetParam().kind, pcrs_);
  area.unique = key->area().unique;
  EXPECT_EQ(to_hex(Public::from_template(area)->tpm2b()), to_hex(key->tpm2b()));
  EXPECT_EQ(key->name().hex(), to_hex(read("key.name")));
  EXPECT_THAT(key->key(), Succeeds());
}

TEST_P(ProvisionedByTools, OpensASealUnderBothPolicies) {
  const auto parent = StorageKey::prepare(Public::parse(read("key.pub")).value());
  ASSERT_THAT(parent, Succeeds());
  const auto sealed = seal(*parent, as_bytes("thirty-two bytes of a seed, here"), pcrs_);
  ASSERT_THAT(sealed, Succeeds());
  write("pub", sealed->public_area);
  write("dup", sealed->duplicate);
  write("seed", sealed->seed);
  begin_session();
  run({"tpm2_import", "-C", file("key"), "-P", "session:" + file("session"), "-u", file("pub"), "-i",
       file("dup"), "-s", file("seed"), "-r", file("priv")});
  begin_session();
  run({"tpm2_load", "-C", file("key"), "-P", "session:" + file("session"), "-u", file("pub"), "-r",
       file("priv"), "-c", file("object")});
  EXPECT_EQ(run({"tpm2_unseal", "-c", file("object"), "-p", "pcr:sha256:6"}),
            "thirty-two bytes of a seed, here");
}

TEST_P(ProvisionedByTools, ImportsNothingWithoutTheBootPassword) {
  const auto parent = StorageKey::prepare(Public::parse(read("key.pub")).value());
  const auto sealed = seal(*parent, as_bytes("secret"), pcrs_);
  write("pub", sealed->public_area);
  write("dup", sealed->duplicate);
  write("seed", sealed->seed);
  for (const std::string auth : {"", "pcr:sha256:6"}) {
    EXPECT_THAT(tool({"tpm2_import", "-C", file("key"), "-P", auth, "-u", file("pub"), "-i", file("dup"),
                      "-s", file("seed"), "-r", file("priv")}),
                FailsWith(ErrorCode::io_error))
        << auth;
  }
}

const std::string kFirmwareNv = "authread|authwrite|ppwrite|ppread|platformcreate|no_da";
const std::string kOwnerNv = "authread|authwrite|ownerwrite|ownerread|no_da";
INSTANTIATE_TEST_SUITE_P(
    AllShapes, ProvisionedByTools,
    testing::Values(Case{&firmware_profile(), "p", kFirmwareNv, KeyKind::rsa2048, "rsa2048:null:aes128cfb"},
                    Case{&firmware_profile(), "p", kFirmwareNv, KeyKind::p256, "ecc256:null:aes128cfb"},
                    Case{&owner_profile(), "o", kOwnerNv, KeyKind::p256, "ecc256:null:aes128cfb"}),
    [](const auto& test) {
      return std::string{test.param.profile->name} + "_" + std::string{name(test.param.kind)};
    });

}  // namespace
}  // namespace sealift::tpm
