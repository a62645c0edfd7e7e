// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/guest/hand_over.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/process.h"
#include "emulator/pef/guest/guest_for_test.h"

namespace sealift::pef {
namespace {

using Guest = GuestForTest;

class HandOver : public testing::Test {
 protected:
  SecretBytes message() { return SecretBytes::copy_of(as_bytes("the customer's")); }
  /// One value as dtc's fdtget reads it.
  std::string fdtget(const std::string& path, const std::string& name) {
    const auto& memory = guest_.memory;
    const auto tree = read_boot_tree(memory, Guest::kCall.fdt_address);
    EXPECT_THAT(tree, Succeeds());
    EXPECT_TRUE(write_file(directory_.path() / "tree", tree->blob));
    Command command;
    command.argv = {"fdtget", "-t", "x", (directory_.path() / "tree").string(), path, name};
    return run_checked(command).value().out;
  }
  Guest guest_;
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

TEST_F(HandOver, PutsTheMessageWhereTheTreeSaysAndReservesIt) {
  const auto secure = guest_.ask();
  ASSERT_THAT(secure, Succeeds());
  ASSERT_THAT(hand_over(guest_.memory, *secure, message()), Succeeds());
  const auto tree = read_boot_tree(guest_.memory, Guest::kCall.fdt_address);
  ASSERT_THAT(tree, Succeeds());
  ASSERT_EQ(tree->reserved.size(), guest_.reserved.size() + 1);
  const auto pages = tree->reserved.back();
  EXPECT_EQ(as_text(guest_.memory.view({pages.start, 14}, "pages").value()), "the customer's");
  EXPECT_EQ(fdtget("/chosen", "sealift,customer-data"),
            fmt::format("0 {:x} 0 {:x}\n", pages.start, pages.size));
  EXPECT_EQ(tree->bootargs, Guest::kCmdline);
  EXPECT_EQ(tree->rtas, secure->tree.rtas);
}

TEST_F(HandOver, TakesNoMemoryOfAnybodyElse) {
  guest_.reserved = {{0x21'0000, 0x10'0000}, {0x31'0000, 0xf'0000}, {0xf0'0000, 0x1000}};
  guest_.lay_out();
  const auto secure = guest_.ask();
  ASSERT_THAT(secure, Succeeds());
  ASSERT_THAT(hand_over(guest_.memory, *secure, message()), Succeeds());
  const auto pages = read_boot_tree(guest_.memory, Guest::kCall.fdt_address)->reserved.back();
  for (const auto& range : secure->taken) EXPECT_FALSE(pages.overlaps(range));
  for (const auto& range : guest_.reserved) EXPECT_FALSE(pages.overlaps(range));
}

TEST_F(HandOver, IsRefusedWhereThereIsNoRoom) {
  const auto tree_size = make_boot_tree(guest_.tree, guest_.reserved).size();
  guest_.reserved.push_back({Guest::kCall.fdt_address + tree_size + 16, Guest::kSize});
  guest_.lay_out();
  const auto secure = guest_.ask();
  ASSERT_THAT(secure, Succeeds());
  EXPECT_THAT(hand_over(guest_.memory, *secure, message()), FailsAt(ErrorCode::no_space, "customer-data"));
}

TEST_F(HandOver, NeverComesRoundToWhatWasVerifiedByAReservationWithoutEnd) {
  constexpr std::uint64_t kLast = 0xe0'0000;
  const auto first_page = Guest::kCall.fdt_address + 0x1'0000;
  guest_.reserved.push_back({first_page, kLast - first_page});
  guest_.reserved.push_back({kLast, Guest::kCall.kernel_base - kLast});  // behind all addresses
  guest_.lay_out();
  const auto secure = guest_.ask();
  ASSERT_THAT(secure, Succeeds());
  EXPECT_THAT(hand_over(guest_.memory, *secure, message()), FailsAt(ErrorCode::no_space, "customer-data"));
  EXPECT_THAT(guest_.ask(), Succeeds()) << "its kernel is as it was";
}

TEST_F(HandOver, LeavesATreeAloneThatItCannotExtend) {
  auto secure = guest_.ask();
  ASSERT_THAT(secure, Succeeds());
  secure->tree.blob = make_boot_tree({}, {});
  EXPECT_THAT(hand_over(guest_.memory, *secure, message()), FailsAt(ErrorCode::malformed, "fdt"));
}

}  // namespace
}  // namespace sealift::pef
