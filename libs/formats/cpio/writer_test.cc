// SPDX-License-Identifier: Apache-2.0
#include "formats/cpio/writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.h"
#include "base/matchers.h"
#include "formats/tool_for_test.h"

namespace sealift::cpio {
namespace {

void append(Bytes& out, const Bytes& part) { out.insert(out.end(), part.begin(), part.end()); }

Bytes sample_archive() {
  Writer writer;
  Bytes out;
  append(out, writer.whole({.name = "dir", .mode = S_IFDIR | 0755}).value());
  append(out, writer.whole({.name = "dir/file", .mode = S_IFREG | 0640}, as_bytes("hello")).value());
  append(out, writer.whole({.name = "link", .mode = S_IFLNK | 0777}, as_bytes("dir/file")).value());
  append(out, writer.finish());
  return out;
}

TEST(CpioWriter, WritesTheHeaderOfTheNewAsciiFormat) {
  Writer writer;
  const auto header = writer.begin({.name = "dev/null",
                                    .mode = S_IFCHR | 0666,
                                    .uid = 1,
                                    .gid = 2,
                                    .mtime = 3,
                                    .rdev_major = 1,
                                    .rdev_minor = 3});
  ASSERT_THAT(header, Succeeds());
  EXPECT_EQ(as_text(ByteView{*header}.first(kHeaderSize)),
            "070701"
            "00000001"
            "000021B6"
            "00000001"
            "00000002"
            "00000001"
            "00000003"
            "00000000"
            "00000000"
            "00000000"
            "00000001"
            "00000003"
            "00000009"
            "00000000");
  EXPECT_EQ(header->size(), 120U);  // 110 + 9, padded
}

TEST(CpioWriter, StreamsAnEntryInPieces) {
  Writer streamed;
  Bytes out;
  append(out, streamed.begin({.name = "file", .mode = S_IFREG | 0644, .size = 5}).value());
  append(out, to_bytes(as_bytes("hello")));
  append(out, streamed.end());
  append(out, streamed.finish());
  Writer at_once;
  Bytes expected = at_once.whole({.name = "file", .mode = S_IFREG | 0644}, as_bytes("hello")).value();
  append(expected, at_once.finish());
  EXPECT_EQ(out, expected);
  EXPECT_EQ(streamed.offset(), out.size());
}

TEST(CpioWriter, EndsOnAMultipleOf512Bytes) {
  for (std::size_t size = 0; size < 600; ++size) {
    Writer writer;
    Bytes out = writer.whole({.name = "f", .mode = S_IFREG}, Bytes(size)).value();
    append(out, writer.finish());
    EXPECT_EQ(out.size() % kBlockSize, 0U) << size;
    EXPECT_EQ(out.size(), writer.offset());
  }
}

TEST(CpioWriter, RefusesNamesThatCannotBeUnpacked) {
  Writer writer;
  for (const std::string& name : {std::string{}, std::string{"/etc"}, std::string{"a\0b", 3},
                                  std::string{"TRAILER!!!"}, std::string(kMaxNameSize, 'a')}) {
    EXPECT_THAT(writer.begin({.name = name}), FailsWith(ErrorCode::invalid_argument)) << name;
  }
  EXPECT_THAT(writer.begin({.name = std::string(kMaxNameSize - 1, 'a')}), Succeeds());
  EXPECT_THAT(writer.begin({.name = "big", .size = 1ULL << 32U}), FailsAt(ErrorCode::too_large, "big"));
}

TEST(CpioWriter, MakesArchivesThatCpioUnpacks) {
  const auto directory = TemporaryDirectory::create().value();
  const auto path = directory.path() / "archive";
  ASSERT_THAT(write_file(path, sample_archive()), Succeeds());
  const auto list = formats::tool({"cpio", "-it", "--quiet", "-v", "-F", path.string()});
  SEALIFT_SKIP_WITHOUT_TOOL(list);
  ASSERT_THAT(list, Succeeds());
  EXPECT_NE(list->out.find("link -> dir/file"), std::string::npos) << list->out;
  ASSERT_THAT(formats::tool({"cpio", "-id", "--quiet", "-D", directory.path().string(), "-F", path.string()}),
              Succeeds());
  EXPECT_EQ(as_text(read_file(directory.path() / "link", 100).value()), "hello");
}

}  // namespace
}  // namespace sealift::cpio
