// SPDX-License-Identifier: Apache-2.0
#include "guest/image/wrapped_kernel.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"

namespace sealift::image {
namespace {

/// A program of binutils' making with a section for the operand, and objcopy's view of it.
class WrappedKernel : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(write_file(path("wrapper.s"), as_bytes(".globl _start\n.text\n_start: nop\n"
                                                       ".section \".kernel:esm_blob\",\"a\"\n.skip 64\n"
                                                       ".data\n.quad 7\n")),
                Succeeds());
    run({"as", "-o", path("wrapper.o"), path("wrapper.s")});
    run({"ld", "-o", path("wrapper"), path("wrapper.o")});
    wrapper_ = read_file(path("wrapper"), 1U << 20U).value();
  }
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  static void run(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    ASSERT_THAT(run_checked(command), Succeeds());
  }
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  Bytes wrapper_;
};

TEST_F(WrappedKernel, GetsTheOperandIntoItsSectionAndNothingElseChanges) {
  const Bytes operand(40, 0xab);
  ASSERT_THAT(with_operand(wrapper_, Bytes(64, 0xff)), Succeeds());
  const auto changed = with_operand(with_operand(wrapper_, Bytes(64, 0xff)).value(), operand);
  ASSERT_THAT(changed, Succeeds());
  ASSERT_THAT(write_file(path("changed"), *changed), Succeeds());
  run({"objcopy", "-O", "binary", "-j", ".kernel:esm_blob", path("changed"), path("section")});
  auto expected = operand;
  expected.resize(64);
  EXPECT_EQ(read_file(path("section"), 1024).value(), expected);
  EXPECT_EQ(with_operand(*changed, Bytes(64)).value(), wrapper_);
}

TEST_F(WrappedKernel, RefusesAnOperandThatIsTooLarge) {
  EXPECT_THAT(with_operand(wrapper_, Bytes(65)), FailsAt(ErrorCode::operand_full, "operand"));
}

TEST_F(WrappedKernel, RefusesKernelsWithoutThatSection) {
  run({"objcopy", "-R", ".kernel:esm_blob", path("wrapper"), path("bare")});
  EXPECT_THAT(with_operand(read_file(path("bare"), 1U << 20U).value(), Bytes(1)),
              FailsAt(ErrorCode::unsupported, "kernel"));
  EXPECT_THAT(with_operand(as_bytes("no ELF"), Bytes(1)), FailsAt(ErrorCode::malformed, "kernel"));
}

TEST_F(WrappedKernel, IsReadWhereverItIsCut) {
  for (std::size_t size = 0; size < wrapper_.size(); size += 13)
    (void)with_operand(ByteView{wrapper_}.first(size), Bytes(1));
  EXPECT_FALSE(with_operand(ByteView{wrapper_}.first(wrapper_.size() / 2), Bytes(1)));
}

}  // namespace
}  // namespace sealift::image
