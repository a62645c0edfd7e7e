// SPDX-License-Identifier: Apache-2.0
#include "formats/esm/operand.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/matchers.h"
#include "formats/esm/samples_for_test.h"
#include "formats/fdt/tree.h"
#include "formats/tool_for_test.h"

namespace sealift::esm {
namespace {

using namespace samples;

constexpr auto kCode = ErrorCode::operand_malformed;

Operand with_two_targets() {
  auto two = operand();
  EXPECT_THAT(two.put_target(target(0xa1)), Succeeds());
  EXPECT_THAT(two.put_target(target(0xa2)), Succeeds());
  return two;
}

/// The operand parsed after `change` to its tree.
Result<Operand> with(const std::function<void(fdt::Node&)>& change) {
  auto tree = fdt::parse(with_two_targets().serialise()).value();
  change(tree);
  return Operand::parse(fdt::serialise(tree, 4096).value());
}

fdt::Node& sealed_data(fdt::Node& tree) { return tree.children.at(0); }
fdt::Node& payload(fdt::Node& tree) { return tree.children.at(1); }

fdt::Node renamed(fdt::Node node, const std::string& name) {
  node.name = name;
  return node;
}

TEST(Operand, ReadsBackWhatItWrote) {
  const auto written = with_two_targets();
  const auto read = Operand::parse(written.serialise());
  ASSERT_THAT(read, Succeeds());
  EXPECT_EQ(read->image_id(), image_id());
  EXPECT_EQ(read->targets(), written.targets());
  EXPECT_EQ(read->payload(), written.payload());
  EXPECT_EQ(read->hmac(), written.hmac());
  EXPECT_EQ(read->total_size(), 4096U);
  EXPECT_EQ(read->serialise(), written.serialise());
}

TEST(Operand, HasExactlyTheReservedSizeWhateverItHolds) {
  auto changing = operand(8192);
  EXPECT_EQ(changing.serialise().size(), 8192U);
  ASSERT_THAT(changing.put_target(target(1)), Succeeds());
  EXPECT_EQ(changing.serialise().size(), 8192U);
  ASSERT_THAT(changing.remove_target(Bytes(34, 1)), Succeeds());
  EXPECT_EQ(changing.serialise().size(), 8192U);
}

TEST(Operand, HasRoomForThirtyRsaTargetsByDefault) {
  auto large = make(seed(), image_id(), integrity(), customer_data()).value();
  for (std::uint8_t i = 0; i < 30; ++i) ASSERT_THAT(large.put_target(target(i)), Succeeds()) << int{i};
}

TEST(Operand, KeepsThePayloadBytesWhenTargetsChange) {
  const auto before = operand();
  auto after = before;
  ASSERT_THAT(after.put_target(target(1)), Succeeds());
  ASSERT_THAT(after.put_target(target(2)), Succeeds());
  ASSERT_THAT(after.remove_target(Bytes(34, 1)), Succeeds());
  EXPECT_EQ(after.hmac_input(), before.hmac_input());
  EXPECT_EQ(Operand::parse(after.serialise())->hmac_input(), before.hmac_input());
  ASSERT_THAT(after.remove_target(Bytes(34, 2)), Succeeds());
  EXPECT_EQ(after.serialise(), before.serialise());
}

TEST(Operand, ReplacesTheTargetOfTheSameStorageKey) {
  auto replaced = with_two_targets();
  auto newer = target(0xa1);
  newer.policy = Bytes(32, 0x99);
  ASSERT_THAT(replaced.put_target(newer), Succeeds());
  EXPECT_EQ(replaced.targets().size(), 2U);
  EXPECT_EQ(replaced.find_target(Bytes(34, 0xa1))->policy, Bytes(32, 0x99));
  EXPECT_EQ(replaced.find_target(Bytes(34, 0xa3)), nullptr);
}

TEST(Operand, SaysThatItIsFullAndStaysAsItWas) {
  auto filling = operand();
  std::uint8_t i = 0;
  while (filling.put_target(target(i)).has_value()) ++i;
  EXPECT_GT(i, 0);
  const auto before = filling.serialise();
  EXPECT_THAT(filling.put_target(target(i)), FailsWith(ErrorCode::operand_full));
  EXPECT_EQ(filling.serialise(), before);
  EXPECT_EQ(filling.targets().size(), i);
}

TEST(Operand, RefusesTargetsOfSizesThatNoTpmMakes) {
  auto refusing = operand();
  for (const auto member : {&Target::storage_key_name, &Target::policy, &Target::public_area,
                            &Target::duplicate, &Target::seed}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1025}}) {
      auto bad = target(1);
      bad.*member = Bytes(size);
      EXPECT_THAT(refusing.put_target(bad), FailsWith(ErrorCode::invalid_argument));
    }
  }
}

TEST(Operand, CannotRemoveATargetThatIsNotThere) {
  auto none = operand();
  EXPECT_THAT(none.remove_target(Bytes(34, 1)), FailsWith(ErrorCode::no_target_for_host));
}

TEST(Operand, RefusesWhatItDoesNotKnow) {
  const auto add = [](fdt::Node& node) { node.add("extra", {}); };
  EXPECT_THAT(with([&](fdt::Node& tree) { add(tree); }), FailsAt(kCode, "/extra"));
  EXPECT_THAT(with([&](fdt::Node& tree) { add(sealed_data(tree)); }), FailsAt(kCode, "/sealed-data/extra"));
  EXPECT_THAT(with([&](fdt::Node& tree) { add(sealed_data(tree).children[0]); }),
              FailsAt(kCode, "/sealed-data/target-1/extra"));
  EXPECT_THAT(with([&](fdt::Node& tree) { add(payload(tree)); }), FailsAt(kCode, "/payload/extra"));
  EXPECT_THAT(with([&](fdt::Node& tree) { add(payload(tree).children[0]); }),
              FailsAt(kCode, "/payload/integrity/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { tree.add_child("extra"); }), FailsAt(kCode, "/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { sealed_data(tree).children[1].add_child("extra"); }),
              FailsAt(kCode, "/sealed-data/target-2/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { payload(tree).children[1].add_child("extra"); }),
              FailsAt(kCode, "/payload/customer-data-1/extra"));
  EXPECT_THAT(with([](fdt::Node& tree) { payload(tree).add_child("extra"); }),
              FailsAt(kCode, "/payload/extra"));
}

TEST(Operand, RefusesEveryMissingAndMisSizedProperty) {
  auto tree = fdt::parse(with_two_targets().serialise()).value();
  const std::function<void(const fdt::Node&, std::vector<std::size_t>)> visit = [&](const fdt::Node& node,
                                                                                    std::vector<std::size_t>
                                                                                        path) {
    const auto at = [&path](fdt::Node& root) -> fdt::Node& {
      auto* found = &root;
      for (const auto index : path) found = &found->children.at(index);
      return *found;
    };
    for (std::size_t i = 0; i < node.properties.size(); ++i) {
      EXPECT_THAT(with([&](fdt::Node& root) {
                    at(root).properties.erase(at(root).properties.begin() + static_cast<std::ptrdiff_t>(i));
                  }),
                  FailsWith(kCode))
          << node.name << "/" << node.properties[i].name;
      EXPECT_THAT(with([&](fdt::Node& root) { at(root).properties[i].value.clear(); }), FailsWith(kCode))
          << node.name << "/" << node.properties[i].name;
      if (node.properties[i].name == "ciphertext") continue;
      EXPECT_THAT(with([&](fdt::Node& root) { at(root).properties[i].value.resize(1025); }), FailsWith(kCode))
          << node.name << "/" << node.properties[i].name;
    }
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      auto below = path;
      below.push_back(i);
      visit(node.children[i], below);
    }
  };
  visit(tree, {});
}

TEST(Operand, RefusesEntriesThatAreNotNumberedInOrder) {
  EXPECT_THAT(with([](fdt::Node& tree) { payload(tree).children[2].name = "customer-data-3"; }),
              FailsWith(kCode));
  EXPECT_THAT(with([](fdt::Node& tree) { payload(tree).children[2].name = "customer-data-02"; }),
              FailsWith(kCode));
  EXPECT_THAT(with([](fdt::Node& tree) { std::swap(payload(tree).children[1], payload(tree).children[2]); }),
              FailsWith(kCode));
  EXPECT_THAT(with([](fdt::Node& tree) { std::swap(payload(tree).children[0], payload(tree).children[1]); }),
              FailsWith(kCode));
  EXPECT_THAT(with([](fdt::Node& tree) { payload(tree).children.clear(); }),
              FailsAt(kCode, "/payload/integrity"));
  EXPECT_THAT(with([](fdt::Node& tree) { sealed_data(tree).children[1].name = "target-3"; }),
              FailsWith(kCode));
  EXPECT_THAT(with([](fdt::Node& tree) { sealed_data(tree).children[0].name = "target-0"; }),
              FailsWith(kCode));
}

TEST(Operand, RefusesTwoTargetsForOneKeyAndTwoDataOfOneName) {
  EXPECT_THAT(with([](fdt::Node& tree) {
                sealed_data(tree).children[1] = renamed(sealed_data(tree).children[0], "target-2");
              }),
              FailsAt(kCode, "/sealed-data/target-2"));
  EXPECT_THAT(with([](fdt::Node& tree) {
                payload(tree).children[2] = renamed(payload(tree).children[1], "customer-data-2");
              }),
              FailsAt(kCode, "/payload/customer-data-2/label"));
  EXPECT_THAT(with([](fdt::Node& tree) {
                payload(tree).children[1].properties[0].value = {'i', 'n', 't', 'e', 'g',
                                                                 'r', 'i', 't', 'y', 0};
              }),
              FailsAt(kCode, "/payload/customer-data-1/label"));
}

TEST(Operand, RefusesAnotherFormat) {
  EXPECT_THAT(with([](fdt::Node& tree) { tree.properties[0].value = to_bytes(as_bytes("ibm,esm")); }),
              FailsAt(kCode, "/compatible"));
  EXPECT_THAT(Operand::parse(as_bytes("not a device tree")), FailsWith(kCode));
  EXPECT_THAT(Operand::parse(operand(kMaxReservedSize).serialise()), Succeeds());
}

TEST(Operand, RefusesEveryTruncation) {
  const auto blob = operand().serialise();
  for (std::size_t size = 0; size < blob.size(); ++size) {
    EXPECT_THAT(Operand::parse(ByteView{blob}.first(size)), FailsWith(kCode)) << size;
  }
}

TEST(Operand, RefusesBytesAfterIt) {
  auto blob = operand().serialise();
  blob.push_back(0);
  EXPECT_THAT(Operand::parse(blob), FailsWith(kCode));
}

TEST(Operand, HashesWhatTheDesignNamesInItsOrder) {
  const auto hashed = operand();
  ByteWriter expected;
  expected.text("sealift,esm-v1").bytes(Bytes(16, 0x17));
  const std::vector<std::string> names{"integrity", "root-disk", "db-password"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& entry = hashed.payload().at(i);
    expected.be32(static_cast<std::uint32_t>(names[i].size())).text(names[i]).be32(12).bytes(entry.iv);
    expected.be32(static_cast<std::uint32_t>(entry.ciphertext.size()))
        .bytes(entry.ciphertext)
        .bytes(entry.tag);
  }
  EXPECT_EQ(hashed.hmac_input(), expected.view());
}

TEST(Operand, IsMadeWithFreshRandomness) {
  const auto first = operand();
  const auto second = operand();
  for (std::size_t i = 0; i < first.payload().size(); ++i) {
    EXPECT_NE(first.payload()[i].iv, second.payload()[i].iv);
    EXPECT_NE(first.payload()[i].ciphertext, second.payload()[i].ciphertext);
  }
}

TEST(MakingAnOperand, RefusesNamesAndValuesThatItCouldNotReadBack) {
  const auto made = [](const std::string& name, std::string_view value) {
    std::vector<CustomerData> data;
    data.push_back({name, SecretBytes::copy_of(as_bytes(value))});
    data.push_back({"second", SecretBytes::copy_of(as_bytes("value"))});
    return make(seed(), image_id(), integrity(), data, 4096);
  };
  EXPECT_THAT(made("first", "value"), Succeeds());
  for (const auto& name : {std::string{}, std::string{"integrity"}, std::string{"second"}, std::string{"a b"},
                           std::string{"\xc3\xa9"}, std::string(kMaxLabelSize + 1, 'a')}) {
    EXPECT_THAT(made(name, "value"), FailsWith(ErrorCode::invalid_argument)) << name;
  }
  EXPECT_THAT(made("first", ""), FailsAt(ErrorCode::invalid_argument, "first"));
}

TEST(MakingAnOperand, ChecksTheReserve) {
  const auto made = [](std::size_t size) {
    return make(seed(), image_id(), integrity(), customer_data(), size);
  };
  EXPECT_THAT(made(kMinReservedSize - 4), FailsWith(ErrorCode::invalid_argument));
  EXPECT_THAT(made(kMinReservedSize + 1), FailsWith(ErrorCode::invalid_argument));
  EXPECT_THAT(made(kMaxReservedSize + 4), FailsWith(ErrorCode::invalid_argument));
  std::vector<CustomerData> large;
  large.push_back({"large", SecretBytes{8192}});
  EXPECT_THAT(make(seed(), image_id(), integrity(), large, 4096), FailsWith(ErrorCode::operand_full));
}

TEST(Operand, IsShownByDtc) {
  const auto text =
      formats::tool({"dtc", "-I", "dtb", "-O", "dts", "-q", "-"}, with_two_targets().serialise());
  SEALIFT_SKIP_WITHOUT_TOOL(text);
  ASSERT_THAT(text, Succeeds());
  for (const auto* expected : {"compatible = \"sealift,esm-v1\"", "target-2 {", "customer-data-2 {",
                               "algorithm = \"AES-256-GCM\\0HMAC-SHA512\"", "label = \"root-disk\""}) {
    EXPECT_NE(text->out.find(expected), std::string::npos) << expected << text->out;
  }
}

}  // namespace
}  // namespace sealift::esm
