// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/profile.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

TEST(EndorsementKeyAgainstTpm, IsTheOneThatTpm2CreateekMakes) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  const std::array<std::string, 2> algorithms{"rsa", "ecc"};
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    const auto file = swtpm->path("ek.pub");
    ASSERT_THAT(swtpm->tool_checked({"tpm2_createek", "-G", algorithms.at(i), "-c",
                                     swtpm->path("ek").native(), "-u", file.native()}),
                Succeeds());
    const auto ek = Public::parse(read_file(file, 4096).value());
    ASSERT_THAT(ek, Succeeds());
    EXPECT_TRUE(endorsement_keys().at(i).made(*ek)) << to_hex(ek->tpm2b());
    EXPECT_EQ(endorsement_key_area(ek->key().value()).value(), *ek);
    ASSERT_THAT(swtpm->tool_checked({"tpm2_flushcontext", "-t"}), Succeeds());
  }
}

TEST(EndorsementKeyAgainstTpm, IsTheOneThatSwtpmSetupMakesOnP384) {
  auto swtpm = SwtpmForTest::start();
  ASSERT_THAT(swtpm, Succeeds());
  ASSERT_THAT(swtpm->power_off(), Succeeds());
  ASSERT_THAT(swtpm->tool_checked({"swtpm_setup", "--tpm2", "--tpmstate", swtpm->path("").native(),
                                   "--overwrite", "--ecc", "--createek", "--display"}),
              Succeeds());
  ASSERT_THAT(swtpm->power_on(), Succeeds());
  const auto& ek = endorsement_keys().at(2);
  const auto file = swtpm->path("ek.pub");
  ASSERT_THAT(swtpm->tool_checked({"tpm2_readpublic", "-c", std::to_string(ek.handle), "-o", file.native()}),
              Succeeds());
  const auto area = Public::parse(read_file(file, 4096).value());
  ASSERT_THAT(area, Succeeds());
  EXPECT_TRUE(ek.made(*area)) << to_hex(area->tpm2b());
}

}  // namespace
}  // namespace sealift::tpm
