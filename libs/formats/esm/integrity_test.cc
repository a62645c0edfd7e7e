// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/integrity.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "formats/esm/samples_for_test.h"
#include "formats/fdt/tree.h"

namespace sealift::esm {
namespace {

using samples::integrity;
using samples::measured;
using samples::sha512;

IntegrityInformation pef_integrity() {
  auto information = integrity();
  information.rtas = crypto::digest(crypto::HashAlgorithm::sha512, slof_rtas());
  information.kernel_size = 7247488;
  return information;
}

TEST(IntegrityInformation, ReadsBackWhatItWrote) {
  for (const auto& information : {integrity(), pef_integrity()}) {
    for (const auto* compatible : {"", "ibm,esm"}) {
      const auto blob = serialise_integrity(information, compatible);
      ASSERT_THAT(blob, Succeeds());
      EXPECT_EQ(parse_integrity(*blob, compatible).value(), information);
    }
  }
}

TEST(IntegrityInformation, IsADigestsNodeOfTheFormatsTheUltravisorKnows) {
  const auto tree = fdt::parse(serialise_integrity(pef_integrity(), "ibm,esm").value()).value();
  EXPECT_EQ(as_text(*tree.property("compatible")), std::string_view("ibm,esm\0", 8));
  const auto* digests = tree.child("digests");
  ASSERT_NE(digests, nullptr);
  EXPECT_EQ(as_text(*digests->property("algorithm")), std::string_view("SHA512\0", 7));
  EXPECT_EQ(*digests->property("kernel-size"), (Bytes{0x00, 0x6e, 0x96, 0x80}));
  EXPECT_EQ(to_hex(*digests->property("rtas")).substr(0, 16), "189698638580422e");  // what svm-tools writes
}

TEST(IntegrityInformation, IsReadStrictly) {
  const auto with = [](auto change) {
    auto tree = fdt::parse(serialise_integrity(integrity()).value()).value();
    change(tree);
    return parse_integrity(fdt::serialise(tree).value());
  };
  constexpr auto kCode = ErrorCode::operand_malformed;
  EXPECT_THAT(with([](fdt::Node&) {}), Succeeds());
  EXPECT_THAT(with([](fdt::Node& tree) { tree.add("extra", {}); }), FailsAt(kCode, "/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { tree.add_child("extra"); }), FailsAt(kCode, "/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { tree.children.clear(); }), FailsAt(kCode, "/digests"));
  EXPECT_THAT(with([](fdt::Node& tree) { tree.children[0].add("extra", {}); }),
              FailsAt(kCode, "/digests/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { tree.children[0].properties[1].value.pop_back(); }),
              FailsAt(kCode, "/digests/kernel"));
  EXPECT_THAT(
      with([](fdt::Node& tree) { tree.children[0].properties[0].value = to_bytes(as_bytes("SHA256")); }),
      FailsAt(kCode, "/digests/algorithm"));
  EXPECT_THAT(parse_integrity(serialise_integrity(integrity(), "ibm,esm").value()),
              FailsAt(kCode, "/compatible"));
  EXPECT_THAT(parse_integrity(serialise_integrity(integrity()).value(), "ibm,esm"),
              FailsAt(kCode, "/compatible"));
  EXPECT_THAT(parse_integrity(Bytes(100)), FailsWith(kCode));
}

TEST(IntegrityInformation, IsOnlyWrittenWithSha512) {
  auto information = integrity();
  information.initrd = crypto::digest(crypto::HashAlgorithm::sha256, as_bytes("x"));
  EXPECT_THAT(serialise_integrity(information), FailsWith(ErrorCode::invalid_argument));
  information = integrity();
  information.rtas = crypto::Digest{};
  EXPECT_THAT(serialise_integrity(information), FailsWith(ErrorCode::invalid_argument));
}

TEST(Comparison, AcceptsWhatIsEqual) {
  EXPECT_TRUE(compare(integrity(), measured()).empty());
  EXPECT_THAT(check(integrity(), measured()), Succeeds());
}

TEST(Comparison, NamesTheComponentThatDiffers) {
  const auto other = sha512("other");
  auto changed = measured();
  changed.kernel = other;
  EXPECT_THAT(check(integrity(), changed),
              FailsShowing(to_hex(integrity().kernel.view()), to_hex(other.view())));
  EXPECT_THAT(check(integrity(), changed), FailsAt(ErrorCode::kernel_differs, "kernel"));
  changed = measured();
  changed.initramfs = other;
  EXPECT_THAT(check(integrity(), changed), FailsAt(ErrorCode::initramfs_differs, "initramfs"));
  changed = measured();
  changed.cmdline = other;
  EXPECT_THAT(check(integrity(), changed), FailsAt(ErrorCode::cmdline_differs, "cmdline"));
  changed = measured();
  changed.rtas = other;
  EXPECT_THAT(check(pef_integrity(), changed), FailsAt(ErrorCode::rtas_differs, "rtas"));
}

TEST(Comparison, NamesAllThatDifferInAFixedOrder) {
  const Measured nothing{};
  EXPECT_EQ(compare(pef_integrity(), nothing),
            (std::vector{Component::kernel, Component::initramfs, Component::cmdline, Component::rtas}));
  const auto status = check(pef_integrity(), nothing);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "not what was sealed: kernel, initramfs, cmdline, rtas");
}

TEST(Comparison, RefusesRtasThatOneSideOnlyHas) {
  EXPECT_THAT(check(pef_integrity(), measured()), FailsWith(ErrorCode::rtas_differs));
  auto with_rtas = measured();
  with_rtas.rtas = sha512("rtas");
  EXPECT_THAT(check(integrity(), with_rtas), FailsWith(ErrorCode::rtas_differs));
  EXPECT_THAT(check(integrity(), with_rtas), FailsShowing("nothing", to_hex(with_rtas.rtas->view())));
}

}  // namespace
}  // namespace sealift::esm
