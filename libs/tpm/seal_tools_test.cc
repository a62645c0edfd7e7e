// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "tpm/event_log.h"
#include "tpm/seal.h"
#include "tpm/swtpm_for_test.h"

namespace sealift::tpm {
namespace {

constexpr std::string_view kSecret = "a secret of no particular length";

/// tpm2-tools open what was sealed in software to a key of the given algorithm.
class OpenedByTools : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto swtpm = SwtpmForTest::start();
    ASSERT_THAT(swtpm, Succeeds());
    swtpm_.emplace(*std::move(swtpm));
    run({"tpm2_createprimary", "-C", "o", "-G", GetParam(), "-c", file("parent")});
    run({"tpm2_readpublic", "-c", file("parent"), "-o", file("parent.pub")});
  }

  std::string file(const std::string& name) const { return swtpm_->path(name).native(); }
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
  void measure() { run({"tpm2_pcrextend", "6:sha256=" + to_hex(measured_.view())}); }

  SealedData sealed(ByteView secret) const {
    const auto parent = Public::parse(read_file(file("parent.pub"), 4096).value()).value();
    return seal(StorageKey::prepare(parent).value(), secret, expected_).value();
  }
  Result<Output> import(const SealedData& data) {
    write("pub", data.public_area);
    write("dup", data.duplicate);
    write("seed", data.seed);
    return tool({"tpm2_import", "-C", file("parent"), "-u", file("pub"), "-i", file("dup"), "-s",
                 file("seed"), "-r", file("priv")});
  }
  void import_and_load(const SealedData& data) {
    ASSERT_THAT(import(data), Succeeds());
    run({"tpm2_load", "-C", file("parent"), "-u", file("pub"), "-r", file("priv"), "-c", file("object")});
  }
  Result<Output> unseal() { return tool({"tpm2_unseal", "-c", file("object"), "-p", "pcr:sha256:6"}); }

  std::optional<SwtpmForTest> swtpm_;
  const Digest measured_{Bytes(32, 0x42)};
  const PcrValues expected_ =
      PcrValues::from_values({{.hash = HashAlgorithm::sha256,
                               .index = 6,
                               .value = extended(HashAlgorithm::sha256, Digest{Bytes(32)}, measured_)}})
          .value();
};

TEST_P(OpenedByTools, OpensWhenThePcrHasTheExpectedValue) {
  measure();
  import_and_load(sealed(as_bytes(kSecret)));
  const auto opened = unseal();
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(opened->out, kSecret);
}

TEST_P(OpenedByTools, OpensTheSmallestAndTheLargestSecret) {
  measure();
  for (const std::size_t size : {1U, 128U}) {
    import_and_load(sealed(Bytes(size, 'x')));
    const auto opened = unseal();
    ASSERT_THAT(opened, Succeeds());
    EXPECT_EQ(opened->out, std::string(size, 'x'));
  }
}

TEST_P(OpenedByTools, DoesNotOpenUnderAnotherPcrValue) {
  import_and_load(sealed(as_bytes(kSecret)));
  EXPECT_THAT(unseal(), FailsWith(ErrorCode::io_error)) << "before the measurement";
  measure();
  EXPECT_THAT(unseal(), Succeeds());
  measure();
  EXPECT_THAT(unseal(), FailsWith(ErrorCode::io_error)) << "after a second one";
}

TEST_P(OpenedByTools, DoesNothingWithoutThePolicy) {
  measure();
  import_and_load(sealed(as_bytes(kSecret)));
  EXPECT_THAT(tool({"tpm2_unseal", "-c", file("object")}), FailsWith(ErrorCode::io_error));
  for (const std::string auth : {"", "pcr:sha256:6"}) {
    EXPECT_THAT(tool({"tpm2_changeauth", "-c", file("object"), "-C", file("parent"), "-p", auth, "-r",
                      file("new"), "pw"}),
                FailsWith(ErrorCode::io_error))
        << auth;
  }
  EXPECT_THAT(tool({"tpm2_duplicate", "-C", file("parent"), "-c", file("object"), "-G", "null", "-p",
                    "pcr:sha256:6", "-r", file("new"), "-s", file("new.seed")}),
              FailsWith(ErrorCode::io_error));
}

TEST_P(OpenedByTools, IsNotImportedOnceAltered) {
  const auto good = sealed(as_bytes(kSecret));
  auto other_policy = good;
  other_policy.public_area[12] ^= 1U;
  EXPECT_THAT(import(other_policy), FailsWith(ErrorCode::io_error));
  auto other_data = good;
  other_data.duplicate.back() ^= 1U;
  EXPECT_THAT(import(other_data), FailsWith(ErrorCode::io_error));
  auto other_seed = good;
  other_seed.seed.back() ^= 1U;
  EXPECT_THAT(import(other_seed), FailsWith(ErrorCode::io_error));
  EXPECT_THAT(import(good), Succeeds());
}

INSTANTIATE_TEST_SUITE_P(RsaAndEcc, OpenedByTools, testing::Values("rsa2048", "ecc256", "ecc384"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace sealift::tpm
