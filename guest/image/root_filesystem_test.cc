// SPDX-License-Identifier: Apache-2.0
/// Checked with e2fsck and debugfs, which are other code than what wrote the file systems (mostly).
#include "guest/image/root_filesystem.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/matchers.h"
#include "base/process.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

class RootFilesystemTest : public testing::Test {
 protected:
  Result<RootFilesystem> create(const fs::path& source, const RootFilesystemOptions& options = {}) {
    return RootFilesystem::create(source, options, directory_.path(), quiet_.job());
  }
  Result<RootFilesystem> from_tar(const std::vector<std::pair<TreeEntry, std::string>>& entries,
                                  const std::string& filter = "none") {
    put(path("root.tar"), make_tar(entries, filter));
    return create(path("root.tar"));
  }
  fs::path path(const std::string& name) const { return directory_.path() / name; }

  static Output with(const RootFilesystem& root, std::vector<std::string> argv) {
    argv.emplace_back("/proc/self/fd/3");
    auto output = run({.argv = std::move(argv), .environment = {}, .fds = {{root.fd(), 3}}});
    return output ? *output : Output{.exit_status = -1, .out = "", .err = output.error().message};
  }
  static std::string debugfs(const RootFilesystem& root, const std::string& request) {
    return with(root, {"/usr/sbin/debugfs", "-R", request}).out;
  }
  static void expect_clean(const RootFilesystem& root) {
    const auto check = with(root, {"/usr/sbin/e2fsck", "-fn"});
    EXPECT_EQ(check.exit_status, 0) << check.out << check.err;
  }

  QuietJob quiet_;
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

std::pair<TreeEntry, std::string> symlink_entry(const std::string& path, const std::string& target) {
  auto made = entry(path, S_IFLNK | 0777);
  made.first.link_target = target;
  return made;
}
std::pair<TreeEntry, std::string> hard_link(const std::string& path, const std::string& to) {
  auto made = entry(path, S_IFREG | 0644);
  made.first.hard_link_to = to;
  return made;
}

TEST_F(RootFilesystemTest, HasEverythingThatATarballSays) {
  auto owned = entry("home/user/file", S_IFREG | 04751, "content");
  owned.first.uid = 70'001;
  owned.first.gid = 1'000'042;
  auto device = entry("dev/console", S_IFCHR | 0600);
  device.first.major = 5;
  device.first.minor = 1;
  auto large_device = entry("dev/large", S_IFBLK | 0660);
  large_device.first.major = 259;
  large_device.first.minor = 70'000;
  auto capable = entry("ping", S_IFREG | 0755, "x");
  capable.first.attributes.push_back({"security.capability", Bytes(20, 7)});
  const auto root = from_tar(
      {entry("./", S_IFDIR | 0751), entry("./home/", S_IFDIR | 0755), entry("./home/user", S_IFDIR | 01777),
       owned, hard_link("again", "home/user/file"), device, large_device, entry("pipe", S_IFIFO | 0600),
       capable, symlink_entry("short", "home/user/file"), symlink_entry("long", std::string(1000, 'l')),
       entry("empty", S_IFREG | 0644)});
  ASSERT_THAT(root, Succeeds());
  expect_clean(*root);
  const auto file = debugfs(*root, "stat /home/user/file");
  EXPECT_NE(file.find("User: 70001   Group: 1000042"), std::string::npos) << file;
  EXPECT_NE(file.find("Mode:  04751"), std::string::npos) << file;
  EXPECT_NE(file.find("Links: 2"), std::string::npos) << file;
  EXPECT_NE(file.find("mtime: 0x3b9aca00"), std::string::npos) << file;
  EXPECT_EQ(debugfs(*root, "cat /again"), "content");
  EXPECT_NE(debugfs(*root, "stat /dev/console").find("Device major/minor number: 05:01"), std::string::npos);
  EXPECT_NE(debugfs(*root, "stat /dev/large").find("Device major/minor number: 259:70000"),
            std::string::npos);
  EXPECT_NE(debugfs(*root, "stat /pipe").find("Type: FIFO"), std::string::npos);
  EXPECT_NE(debugfs(*root, "ea_get -x /ping security.capability").find("07 07 07"), std::string::npos);
  EXPECT_NE(debugfs(*root, "stat /short").find("Fast link dest: \"home/user/file\""), std::string::npos);
  EXPECT_EQ(debugfs(*root, "cat /long"), std::string(1000, 'l'));
  EXPECT_NE(debugfs(*root, "stat /").find("Mode:  0751"), std::string::npos);
  EXPECT_NE(debugfs(*root, "stat /home/user").find("Mode:  01777"), std::string::npos);
}

TEST_F(RootFilesystemTest, ReadsEveryUsualCompression) {
  for (const auto* filter : {"gzip", "bzip2", "xz", "zstd", "lz4"}) {
    const auto root = from_tar({entry("file", S_IFREG | 0644, std::string(100'000, 'z'))}, filter);
    ASSERT_THAT(root, Succeeds()) << filter;
    EXPECT_EQ(debugfs(*root, "cat /file"), std::string(100'000, 'z')) << filter;
  }
}

TEST_F(RootFilesystemTest, MakesParentsThatTheTarballLeavesOut) {
  const auto root = from_tar({entry("a/b/c", S_IFREG | 0644, "deep")});
  ASSERT_THAT(root, Succeeds());
  expect_clean(*root);
  EXPECT_EQ(debugfs(*root, "cat /a/b/c"), "deep");
}

TEST_F(RootFilesystemTest, KeepsNamesThatAreNotAscii) {
  const auto root = from_tar({entry("z\xc3\xbcrich", S_IFREG | 0644, "utf-8")});
  ASSERT_THAT(root, Succeeds());
  EXPECT_EQ(debugfs(*root, "cat /z\xc3\xbcrich"), "utf-8");
}

TEST_F(RootFilesystemTest, HoldsDirectoriesOfManyFiles) {
  std::vector<std::pair<TreeEntry, std::string>> entries;
  for (int i = 0; i < 3000; ++i)
    entries.push_back(entry("many/a-rather-long-name-" + std::to_string(i), S_IFREG | 0644));
  const auto root = from_tar(entries);
  ASSERT_THAT(root, Succeeds());
  expect_clean(*root);
  EXPECT_NE(debugfs(*root, "stat /many/a-rather-long-name-2999").find("Type: regular"), std::string::npos);
}

TEST_F(RootFilesystemTest, RefusesWhatNoRootFileSystemHas) {
  EXPECT_THAT(from_tar({entry("../escape", S_IFREG | 0644)}), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(from_tar({entry("a/../../b", S_IFREG | 0644)}), FailsAt(ErrorCode::malformed, "a"));
  EXPECT_THAT(from_tar({entry("bell\a", S_IFREG | 0644)}), FailsAt(ErrorCode::malformed, "bell?"));
  EXPECT_THAT(from_tar({entry(std::string(256, 'n'), S_IFREG | 0644)}), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(from_tar({hard_link("a", "nothing")}), FailsAt(ErrorCode::malformed, "a"));
  EXPECT_THAT(from_tar({entry("d", S_IFDIR | 0755), hard_link("a", "d")}),
              FailsAt(ErrorCode::malformed, "a"));
  EXPECT_THAT(from_tar({entry("f", S_IFREG | 0644), entry("f", S_IFREG | 0644)}),
              FailsAt(ErrorCode::malformed, "f"));
  EXPECT_THAT(from_tar({entry("f", S_IFREG | 0644), entry("f", S_IFDIR | 0755)}),
              FailsAt(ErrorCode::malformed, "f"));
  EXPECT_THAT(from_tar({symlink_entry("l", "/etc"), entry("l/passwd", S_IFREG | 0644)}),
              FailsAt(ErrorCode::malformed, "l"));
}

TEST_F(RootFilesystemTest, TakesAbsolutePathsAsBelowTheRoot) {
  const auto root = from_tar({entry("/etc/hostname", S_IFREG | 0644, "here")});
  ASSERT_THAT(root, Succeeds());
  EXPECT_EQ(debugfs(*root, "cat /etc/hostname"), "here");
}

TEST_F(RootFilesystemTest, RefusesADamagedTarball) {
  auto tar = make_tar({entry("file", S_IFREG | 0644, std::string(200'000, 'x'))}, "gzip");
  tar.resize(tar.size() / 2);
  put(path("short.tar"), tar);
  EXPECT_THAT(create(path("short.tar")), FailsWith(ErrorCode::malformed));
  put(path("text"), as_bytes("neither a tarball nor a disk image, but long enough to be looked at"));
  EXPECT_THAT(create(path("text")), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(create(path("missing")), FailsWith(ErrorCode::not_found));
}

TEST_F(RootFilesystemTest, HasEverythingThatADirectorySays) {
  const auto tree = path("tree");
  put(tree / "usr/bin/program", as_bytes("program"));
  fs::create_hard_link(tree / "usr/bin/program", tree / "usr/bin/same");
  fs::create_symlink("usr/bin", tree / "bin");
  chmod((tree / "usr/bin/program").c_str(), 04755);
  const int sparse = open((tree / "sparse").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(pwrite(sparse, "end", 3, 64 << 20), 3);
  close(sparse);
  const bool attributes = setxattr((tree / "sparse").c_str(), "user.note", "kept", 4, 0) == 0;

  const auto root = create(tree);
  ASSERT_THAT(root, Succeeds());
  expect_clean(*root);
  EXPECT_EQ(debugfs(*root, "cat /bin/same"), "program");
  const auto program = debugfs(*root, "stat /usr/bin/program");
  EXPECT_NE(program.find("Links: 2"), std::string::npos) << program;
  EXPECT_NE(program.find("Mode:  04755"), std::string::npos) << program;
  EXPECT_NE(program.find("User: " + std::string(getuid() == 0 ? "    0" : "")), std::string::npos) << program;
  const auto holes = debugfs(*root, "stat /sparse");
  EXPECT_NE(holes.find("Size: 67108867"), std::string::npos) << holes;
  EXPECT_NE(holes.find("Blockcount: 8"), std::string::npos) << holes;
  if (attributes) {
    EXPECT_NE(debugfs(*root, "ea_get /sparse user.note").find("kept"), std::string::npos);
  }
}

TEST_F(RootFilesystemTest, SaysSoWhereTheAskedSizeIsTooSmall) {
  put(path("big.tar"), make_tar({entry("big", S_IFREG | 0644, std::string(7 << 20, 'b'))}));
  const RootFilesystemOptions options{.size = 8 << 20, .free_space = 0};
  EXPECT_THAT(create(path("big.tar"), options), FailsAt(ErrorCode::no_space, "size"));
}

TEST_F(RootFilesystemTest, LeavesTheFreeSpaceThatWasAskedFor) {
  put(path("small.tar"), make_tar({entry("small", S_IFREG | 0644, "s")}));
  for (const std::uint64_t mebibytes : {0, 1, 64, 300}) {
    const auto root = create(path("small.tar"), {.size = {}, .free_space = mebibytes << 20});
    ASSERT_THAT(root, Succeeds());
    const auto stats = debugfs(*root, "stats -h");
    const auto at = stats.find("Free blocks:");
    ASSERT_NE(at, std::string::npos);
    EXPECT_GE(std::stoull(stats.substr(at + 12)) * 4096, mebibytes << 20);
  }
}

TEST_F(RootFilesystemTest, TakesADiskImageAsItIs) {
  const auto disk = path("disk.ext4");
  put(disk, Bytes{});
  fs::resize_file(disk, 9'000'000);
  const std::vector<std::string> command{"/usr/sbin/mke2fs", "-q", "-t", "ext4", "-b", "1024", disk};
  ASSERT_THAT(run_checked({.argv = command, .environment = {}, .fds = {}}), Succeeds());
  const auto root = create(disk);
  ASSERT_THAT(root, Succeeds());
  EXPECT_EQ(root->block_size(), 1024U);
  EXPECT_EQ(root->size() % 4096, 0U);
  fs::resize_file(disk, 5'000'000);
  EXPECT_THAT(create(disk), FailsAt(ErrorCode::truncated, "size"));
}

TEST_F(RootFilesystemTest, NamesAPartitionedDiskAsSuch) {
  Bytes disk(1 << 20);
  disk[510] = 0x55;
  disk[511] = 0xaa;
  put(path("disk.raw"), disk);
  EXPECT_THAT(create(path("disk.raw")), FailsAt(ErrorCode::unsupported, "root"));
}

TEST_F(RootFilesystemTest, StopsWhenCancelledAndLeavesNothing) {
  put(path("root.tar"), make_tar({entry("file", S_IFREG | 0644, "x")}));
  quiet_.cancelled() = true;
  EXPECT_THAT(create(path("root.tar")), FailsWith(ErrorCode::canceled));
  EXPECT_EQ(std::distance(fs::directory_iterator{directory_.path()}, {}), 1);
}

TEST_F(RootFilesystemTest, ReadsFilesThroughLinksInside) {
  const auto root = from_tar({entry("usr/lib/file", S_IFREG | 0644, "found"), symlink_entry("lib", "usr/lib"),
                              symlink_entry("absolute", "/lib/file")});
  ASSERT_THAT(root, Succeeds());
  const auto content = root->read_file("/absolute", 100);
  ASSERT_THAT(content, Succeeds());
  EXPECT_EQ(as_text(*content), "found");
  EXPECT_THAT(root->read_file("/nowhere", 100), FailsWith(ErrorCode::not_found));
  EXPECT_THAT(root->read_file("/absolute", 4), FailsWith(ErrorCode::too_large));
}

}  // namespace
}  // namespace sealift::image
