// SPDX-License-Identifier: Apache-2.0
#include "formats/cpio/head.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "base/matchers.h"
#include "formats/cpio/writer.h"
#include "formats/fdt/tree.h"
#include "formats/tool_for_test.h"

namespace sealift::cpio {
namespace {

void append(Bytes& out, ByteView part) { out.insert(out.end(), part.begin(), part.end()); }

Bytes sample_operand(std::size_t size = 1000) {
  fdt::Node root;
  root.add_text("compatible", {"sealift,esm-v1"});
  return fdt::serialise(root, size).value();
}

/// An archive of these entries, complete.
Bytes archive(const std::vector<std::pair<Entry, Bytes>>& entries) {
  Writer writer;
  Bytes out;
  for (const auto& [entry, content] : entries) append(out, writer.whole(entry, content).value());
  append(out, writer.finish());
  return out;
}

const Entry kDirectory{.name = "opt/ibm/pef", .mode = S_IFDIR | 0755};
const Entry kMember{.name = "opt/ibm/pef/x.esm", .mode = S_IFREG | 0644};

TEST(OperandHead, HoldsTheOperandAndEndsWhereTheInitramfsStarts) {
  const auto operand = sample_operand();
  auto image = make_head(operand).value();
  EXPECT_EQ(image.size() % kBlockSize, 0U);
  const auto head_size = image.size();
  append(image, as_bytes("the initramfs"));
  const auto place = find_operand(image);
  ASSERT_THAT(place, Succeeds());
  EXPECT_EQ(place->rest_offset, head_size);
  EXPECT_EQ(to_bytes(ByteView{image}.subspan(place->offset, place->size)), operand);
}

TEST(OperandHead, IsUnpackedByCpio) {
  const auto directory = TemporaryDirectory::create().value();
  const auto list = formats::tool({"cpio", "-it", "--quiet"}, make_head(sample_operand()).value());
  SEALIFT_SKIP_WITHOUT_TOOL(list);
  ASSERT_THAT(list, Succeeds());
  EXPECT_EQ(list->out, "opt\nopt/ibm\nopt/ibm/pef\nopt/ibm/pef/sealift.esm\n");
}

TEST(OperandHead, IsFoundInWhatFindAndCpioMake) {  // as svm-tools' `svm add` does
  const auto directory = TemporaryDirectory::create().value();
  std::filesystem::create_directories(directory.path() / "opt/ibm/pef");
  const auto operand = sample_operand(1234);
  ASSERT_THAT(write_file(directory.path() / "opt/ibm/pef/svm_blob", operand), Succeeds());
  const std::vector<std::string> cpio{"cpio",          "--create", "--quiet",
                                      "--format=newc", "-D",       directory.path().string()};
  const std::string names{".\n./opt\n./opt/ibm\n./opt/ibm/pef\n./opt/ibm/pef/svm_blob\n"};
  const auto made = formats::tool(cpio, as_bytes(names));
  SEALIFT_SKIP_WITHOUT_TOOL(made);
  ASSERT_THAT(made, Succeeds());
  auto image = to_bytes(as_bytes(made->out));
  const auto head_size = image.size();
  append(image, Bytes(5000, 0xff));
  const auto place = find_operand(image);
  ASSERT_THAT(place, Succeeds());
  EXPECT_EQ(place->rest_offset, head_size);
  EXPECT_EQ(to_bytes(ByteView{image}.subspan(place->offset, place->size)), operand);
}

TEST(OperandHead, IsFoundBehindOtherBytesOfItsMember) {
  auto content = Bytes(8, 0x55);
  append(content, sample_operand());
  const auto place = find_operand(archive({{kMember, content}}));
  ASSERT_THAT(place, Succeeds());
  EXPECT_EQ(place->size, 1000U);
}

TEST(OperandHead, IsMissingWhereTheInitramfsStartsWithAnythingElse) {
  EXPECT_THAT(find_operand({}), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(find_operand(Bytes{0x1f, 0x8b, 0x08}), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(find_operand(archive({})), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(find_operand(archive({{kDirectory, {}}})), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(find_operand(archive(
                  {{{.name = "init", .mode = S_IFREG | 0755}, Bytes(10)}, {kMember, sample_operand()}})),
              FailsAt(ErrorCode::operand_missing, "init"));
  EXPECT_THAT(
      find_operand(archive({{{.name = "bin", .mode = S_IFDIR | 0755}, {}}, {kMember, sample_operand()}})),
      FailsAt(ErrorCode::operand_missing, "bin"));
}

TEST(OperandHead, RefusesAMemberThatTheOperandCannotBe) {
  const auto refused = [](const std::string& name, std::uint32_t mode) {
    return find_operand(archive({{{.name = name, .mode = mode}, sample_operand()}}));
  };
  EXPECT_THAT(refused("opt/ibm/pefx", S_IFREG), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(refused("opt/ibm/pef/", S_IFREG), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(refused("opt/ibm/pef/..", S_IFREG), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(refused("opt/ibm/pef/../../../init", S_IFREG), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(refused("opt/ibm/pef/x", S_IFLNK), FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(find_operand(archive({{kMember, Bytes(100, 7)}})), FailsWith(ErrorCode::operand_malformed));
  EXPECT_THAT(find_operand(archive({{kMember, {}}})), FailsWith(ErrorCode::operand_malformed));
}

TEST(OperandHead, RefusesAnyFileBesideTheOperandBecauseNoDigestCoversIt) {
  const auto beside = [](const std::string& name, std::uint32_t mode) {
    return find_operand(archive({{kMember, sample_operand()}, {{.name = name, .mode = mode}, {}}}));
  };
  EXPECT_THAT(beside("init", S_IFREG | 0755), FailsAt(ErrorCode::operand_malformed, "init"));
  EXPECT_THAT(beside("opt/ibm/pef/y", S_IFREG), FailsWith(ErrorCode::operand_malformed));
  EXPECT_THAT(beside("etc", S_IFDIR), FailsAt(ErrorCode::operand_malformed, "etc"));
  EXPECT_THAT(beside("opt", S_IFLNK), FailsAt(ErrorCode::operand_malformed, "opt"));
  EXPECT_THAT(beside("opt/ibm/pef", S_IFDIR), Succeeds());
}

TEST(OperandHead, RefusesBytesAfterTheTrailer) {
  auto head = archive({{kMember, sample_operand()}});
  ASSERT_EQ(head.back(), 0);
  head.back() = 1;
  EXPECT_THAT(find_operand(head), FailsAt(ErrorCode::operand_malformed, "padding"));
}

TEST(OperandHead, RefusesNumbersThatAreNotHexadecimal) {
  auto head = archive({{kMember, sample_operand()}});
  head[6 + 8 * 6] = 'x';
  EXPECT_THAT(find_operand(head), FailsWith(ErrorCode::operand_malformed));
}

TEST(OperandHead, SaysWhereverItIsCutThatItGoesOn) {
  const auto head = make_head(sample_operand()).value();
  for (std::size_t size = 1; size < head.size(); ++size) {
    EXPECT_THAT(find_operand(ByteView{head}.first(size)), FailsWith(ErrorCode::truncated)) << size;
  }
}

TEST(OperandHead, NeverPlacesAnOperandOutsideWhateverBitFlips) {
  const auto head = make_head(sample_operand(256)).value();
  for (std::size_t bit = 0; bit < head.size() * 8; ++bit) {
    auto flipped = head;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto place = find_operand(flipped);
    if (!place) continue;
    EXPECT_LE(place->offset + place->size, place->rest_offset);
    EXPECT_LE(place->rest_offset, flipped.size());
    EXPECT_EQ(place->rest_offset, head.size());
  }
}

TEST(OperandHead, IsReadInOneStepOrInTwoWhereItIsLarge) {
  for (const std::size_t size : {std::size_t{1000}, 3 * kUsualHeadSize}) {
    auto image = make_head(sample_operand(size)).value();
    const auto head_size = image.size();
    append(image, Bytes(100000, 1));
    std::vector<std::size_t> asked;
    const auto head = read_head([&](std::size_t count) -> Result<Bytes> {
      asked.push_back(count);
      return to_bytes(ByteView{image}.first(std::min(count, image.size())));
    });
    ASSERT_THAT(head, Succeeds());
    EXPECT_EQ(head->bytes.size(), head_size);
    EXPECT_EQ(head->operand().size(), size);
    EXPECT_EQ(asked.size(), size == 1000 ? 1U : 2U);
  }
}

TEST(OperandHead, HasALimitedSize) {
  EXPECT_THAT(make_head(Bytes(kMaxHeadSize)), FailsWith(ErrorCode::too_large));
  Writer writer;
  auto image = writer.begin({.name = "opt/ibm/pef/x", .mode = S_IFREG, .size = kMaxHeadSize}).value();
  append(image, sample_operand());
  image.resize(kMaxHeadSize + 4096);
  EXPECT_THAT(find_operand(image), FailsWith(ErrorCode::too_large));
}

}  // namespace
}  // namespace sealift::cpio
