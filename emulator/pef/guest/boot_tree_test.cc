// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/boot_tree.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include "base/matchers.h"
#include "emulator/pef/guest/guest_for_test.h"

namespace sealift::pef {
namespace {

class BootTreeTest : public testing::Test {
 protected:
  Result<BootTree> read() { return read_boot_tree(guest_.memory, GuestForTest::kCall.fdt_address); }
  /// Into the guest's tree as it lies there: /aside/rtas, before or behind the others.
  void put_deeper_rtas(bool first) {
    auto blob = make_boot_tree(guest_.tree, guest_.reserved);
    blob.resize(blob.size() + 256);
    auto* const fdt = blob.data();
    ASSERT_EQ(fdt_open_into(fdt, fdt, static_cast<int>(blob.size())), 0);
    const int root = first ? 0 : fdt_path_offset(fdt, "/rtas");
    const int aside = fdt_add_subnode(fdt, root, "aside");
    ASSERT_GE(aside, 0);
    ASSERT_GE(fdt_add_subnode(fdt, aside, "rtas"), 0);
    ASSERT_THAT(guest_.memory.write(GuestForTest::kCall.fdt_address, blob, "test"), Succeeds());
  }
  GuestForTest guest_;
};

TEST_F(BootTreeTest, SaysWhereTheGuestsPartsAre) {
  const auto tree = read();
  ASSERT_THAT(tree, Succeeds());
  EXPECT_EQ(tree->bootargs, GuestForTest::kCmdline);
  EXPECT_EQ(tree->initrd, (Range{GuestForTest::kInitrd, guest_.initrd.size()}));
  EXPECT_EQ(tree->rtas, (Range{GuestForTest::kRtas, guest_.rtas.size()}));
  EXPECT_EQ(tree->reserved, guest_.reserved);
}

TEST_F(BootTreeTest, TakesNumbersOfOneCellAndTheReservedSizeWhereThereIsNoOther) {
  guest_.set("chosen", "linux,initrd-start", cells32(static_cast<std::uint32_t>(GuestForTest::kInitrd)));
  guest_.remove("slof,rtas-size");
  const auto tree = read();
  ASSERT_THAT(tree, Succeeds());
  EXPECT_EQ(tree->initrd->start, GuestForTest::kInitrd);
  EXPECT_EQ(tree->rtas->size, 2048U);
}

TEST_F(BootTreeTest, MayLackEverything) {
  guest_.tree.clear();
  guest_.lay_out();
  const auto tree = read();
  ASSERT_THAT(tree, Succeeds());
  EXPECT_EQ(tree->bootargs, "");
  EXPECT_FALSE(tree->initrd);
  EXPECT_FALSE(tree->rtas);
}

TEST_F(BootTreeTest, NamesThePropertyThatMakesNoSense) {
  const auto good = guest_.tree;
  const auto refused_at = [&](const std::string& node, const std::string& name, Bytes value,
                              const std::string& field) {
    guest_.set(node, name, std::move(value));
    EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, field)) << name;
    guest_.tree = good;
  };
  refused_at("chosen", "bootargs", Bytes{'a', 'b'}, "chosen.bootargs");
  refused_at("chosen", "bootargs", Bytes{'a', 0, 'b', 0}, "chosen.bootargs");
  refused_at("chosen", "bootargs", text_value(std::string(5000, 'a')), "chosen.bootargs");
  refused_at("chosen", "linux,initrd-start", Bytes(5), "chosen.linux,initrd-start");
  refused_at("chosen", "linux,initrd-end", Bytes{}, "chosen.linux,initrd-end");
  refused_at("rtas", "linux,rtas-base", Bytes(12), "rtas.linux,rtas-base");
}

TEST_F(BootTreeTest, RefusesPropertiesAndNodesThatComeTwice) {
  auto twice = guest_.tree;
  twice.insert(twice.begin(), twice.front());
  guest_.tree.swap(twice);
  guest_.lay_out();
  EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "chosen.bootargs"));
  guest_.tree.swap(twice);
  guest_.tree.push_back(guest_.tree.front());
  guest_.lay_out();
  EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "chosen"));
}

/// Where Linux would look and we do not, a host could put another command line, or code.
TEST_F(BootTreeTest, RefusesASecondNodeUnderAnotherAddressOrParent) {
  const auto good = guest_.tree;
  const auto other_args = text_value("init=/bin/sh");
  for (const auto& [node, field] : {std::pair{"chosen@1", "chosen"}, std::pair{"rtas@0", "rtas"}}) {
    guest_.tree.insert(guest_.tree.begin(), {node, "bootargs", other_args});
    guest_.lay_out();
    EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, field)) << node;
    guest_.tree = good;
    guest_.tree.push_back({node, "bootargs", other_args});
    guest_.lay_out();
    EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, field)) << node;
    guest_.tree = {{node, "bootargs", other_args}};
    guest_.lay_out();
    EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, field)) << node << " alone";
    guest_.tree = good;
  }
  for (const bool first : {true, false}) {
    guest_.lay_out();
    put_deeper_rtas(first);
    EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "rtas")) << first;
  }
}

TEST_F(BootTreeTest, RefusesRtasThatIsEnteredElsewhereThanItIsMeasured) {
  guest_.set("rtas", "linux,rtas-entry", cells32(static_cast<std::uint32_t>(GuestForTest::kRtas)));
  EXPECT_THAT(read(), Succeeds());
  guest_.set("rtas", "linux,rtas-entry", cells32(static_cast<std::uint32_t>(GuestForTest::kRtas + 4)));
  EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "rtas.linux,rtas-entry"));
  guest_.remove("linux,rtas-base");
  EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "rtas.linux,rtas-entry"));
}

TEST_F(BootTreeTest, RefusesNumbersOfTwoCellsWhereLinuxReadsOne) {
  for (const auto* name : {"linux,rtas-base", "linux,rtas-entry", "slof,rtas-size"}) {
    const auto good = guest_.tree;
    guest_.set("rtas", name, cells64(GuestForTest::kRtas));
    EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, std::string{"rtas."} + name));
    guest_.tree = good;
  }
}

TEST_F(BootTreeTest, RefusesTooManyReservationsAndSizesBeyondItsLimit) {
  guest_.reserved.assign(65, {0x1000, 0x1000});
  guest_.lay_out();
  EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "fdt"));
  ASSERT_TRUE(guest_.memory.write(GuestForTest::kCall.fdt_address + 4, cells32(kMaxBootTree + 1), "test"));
  EXPECT_THAT(read(), FailsAt(ErrorCode::malformed, "fdt"));
}

TEST(GuestMemoryTest, HasNothingOutsideOfItself) {
  Bytes ram(4096);
  GuestMemory memory{ram};
  EXPECT_THAT(memory.view({0, 4096}, "all"), Succeeds());
  EXPECT_THAT(memory.view({4096, 0}, "end"), Succeeds());
  for (const auto& range : {Range{0, 4097}, Range{4096, 1}, Range{4097, 0}, Range{1, ~std::uint64_t{0}},
                            Range{~std::uint64_t{0}, 2}})
    EXPECT_THAT(memory.view(range, "part"), FailsAt(ErrorCode::malformed, "part"));
  EXPECT_THAT(memory.write(4095, Bytes(2), "part"), FailsAt(ErrorCode::malformed, "part"));
}

TEST(RangeTest, OverlapsWhatSharesAByte) {
  EXPECT_TRUE((Range{0, 2}.overlaps({1, 1})));
  EXPECT_TRUE((Range{1, 1}.overlaps({0, 2})));
  EXPECT_FALSE((Range{0, 2}.overlaps({2, 1})));
  EXPECT_FALSE((Range{0, 0}.overlaps({0, 2})));
  EXPECT_TRUE((Range{~std::uint64_t{0} - 1, 2}.overlaps({~std::uint64_t{0}, 1})));
}

}  // namespace
}  // namespace sealift::pef
