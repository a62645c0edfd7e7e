// SPDX-License-Identifier: Apache-2.0
#include "guest/image/initramfs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/matchers.h"
#include "base/process.h"
#include "guest/image/elf_file.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

class InitramfsTest : public testing::Test {
 protected:
  void SetUp() override {
    make_kernel_tree(path("kernel"), "6.1.0-1-test");
    auto kernel =
        load_kernel({.package = path("kernel"), .image = {}, .modules = {}}, path("scratch"), quiet_.job());
    ASSERT_THAT(kernel, Succeeds());
    kernel_ = std::move(*kernel);
    put(path("agent"), make_elf({.interpreter = "", .needed = {}, .modinfo = {}}));
  }
  fs::path path(const std::string& name) const { return directory_.path() / name; }

  Result<RootFilesystem> root(const std::vector<std::pair<TreeEntry, std::string>>& tree) {
    put(path("root.tar"), make_tar(tree));
    return RootFilesystem::create(path("root.tar"), {}, directory_.path(), quiet_.job());
  }
  Result<WrittenArchive> write(const RootFilesystem& from, const std::string& to) {
    SEALIFT_TRY(const auto plan, InitramfsPlan::make(from, kernel_, path("agent"), "measured"));
    SEALIFT_TRY(const auto fd, open_file(path(to), O_RDWR | O_CREAT | O_TRUNC, 0600));
    return plan.write(as_bytes("the header"), fd.get(), 512);
  }
  static std::vector<std::pair<TreeEntry, std::string>> tree_without(const std::string& gone) {
    auto tree = root_tree();
    std::erase_if(tree, [&](const auto& one) { return one.first.path == gone; });
    return tree;
  }

  QuietJob quiet_;
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  Kernel kernel_;
};

TEST_F(InitramfsTest, HoldsAgentProgramLibrariesModulesAndHeaderAsCpioReadsThem) {
  const auto from = root(root_tree());
  ASSERT_THAT(from, Succeeds());
  const auto written = write(*from, "initramfs");
  ASSERT_THAT(written, Succeeds());
  const auto archive = text_of(path("initramfs")).substr(512);
  EXPECT_EQ(archive.size(), written->size);
  EXPECT_EQ(written->sha512, crypto::digest(crypto::HashAlgorithm::sha512, as_bytes(archive)));

  const auto unpacked = path("unpacked");
  fs::create_directory(unpacked);
  const auto cpio = run({.argv = {"cpio", "-idm", "--quiet", "-D", unpacked}, .environment = {}, .fds = {}},
                        as_bytes(archive));
  ASSERT_THAT(cpio, Succeeds());
  ASSERT_EQ(cpio->exit_status, 0) << cpio->err;
  for (const auto* file : {"init", "sbin/cryptsetup", "lib64/ld.so", "lib/libone.so.1", "lib/libtwo.so.2",
                           "modules/dm_crypt.ko", "sealift/luks-header", "sealift/modules"})
    EXPECT_TRUE(fs::is_regular_file(unpacked / file)) << file;
  EXPECT_EQ(text_of(unpacked / "init"), text_of(path("agent")));
  EXPECT_EQ(text_of(unpacked / "sealift/luks-header"), "the header");
  const auto list = text_of(unpacked / "sealift/modules");
  EXPECT_TRUE(list.starts_with("?/modules/ecb.ko\n")) << list;
  EXPECT_TRUE(list.ends_with("/modules/dm_mod.ko\n/modules/dm_crypt.ko\n/modules/xts.ko\n")) << list;
  struct stat status{};
  ASSERT_EQ(stat((unpacked / "init").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755U);
  EXPECT_EQ(status.st_mtime, 0);
}

TEST_F(InitramfsTest, IsTheSameBytesForTheSameInputs) {
  const auto one = root(root_tree());
  ASSERT_THAT(one, Succeeds());
  ASSERT_THAT(write(*one, "first"), Succeeds());
  const auto two = root(root_tree());
  ASSERT_THAT(two, Succeeds());
  ASSERT_THAT(write(*two, "second"), Succeeds());
  EXPECT_EQ(text_of(path("first")), text_of(path("second")));
}

TEST_F(InitramfsTest, NamesTheDebianPackageThatLacks) {
  for (const std::string gone : {"usr/sbin/cryptsetup", "usr/lib/libtwo.so.2", "lib64/ld.so"}) {
    const auto from = root(tree_without(gone));
    ASSERT_THAT(from, Succeeds());
    const auto written = write(*from, "initramfs");
    ASSERT_THAT(written, FailsWith(ErrorCode::dependency_missing)) << gone;
    EXPECT_NE(written.error().message.find("cryptsetup-bin"), std::string::npos);
  }
}

TEST_F(InitramfsTest, PassesOverLibrariesOfAnotherArchitecture) {
  auto tree = root_tree();
  constexpr std::uint16_t kI386 = 3;
  const ElfSample other{.machine = kI386, .interpreter = "", .needed = {}, .modinfo = {}};
  tree.push_back(entry("lib64/libone.so.1", S_IFREG | 0755, std::string{as_text(make_elf(other))}));
  const auto from = root(tree);
  ASSERT_THAT(from, Succeeds());
  EXPECT_THAT(write(*from, "initramfs"), Succeeds());
}

TEST_F(InitramfsTest, RefusesAnAgentThatCannotRunThere) {
  const auto from = root(root_tree());
  ASSERT_THAT(from, Succeeds());
  put(path("agent"), make_elf({.interpreter = "/lib64/ld.so", .needed = {}, .modinfo = {}}));
  EXPECT_THAT(write(*from, "initramfs"), FailsAt(ErrorCode::invalid_argument, "agent"));
  constexpr std::uint16_t kPowerPc64 = 21;
  put(path("agent"), make_elf({.machine = kPowerPc64, .interpreter = "", .needed = {}, .modinfo = {}}));
  EXPECT_THAT(write(*from, "initramfs"), FailsAt(ErrorCode::invalid_argument, "agent"));
}

TEST(ElfFileTest, IsReadWhateverItsBytes) {
  const auto whole = make_elf({.interpreter = "/lib/ld.so", .needed = {"a", "b"}, .modinfo = {}});
  const auto elf = read_elf(whole, "whole");
  ASSERT_THAT(elf, Succeeds());
  EXPECT_EQ(elf->arch, "x86_64");
  EXPECT_EQ(elf->interpreter, "/lib/ld.so");
  EXPECT_EQ(elf->needed, (std::vector<std::string>{"a", "b"}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    (void)read_elf(ByteView{whole}.first(size), "truncated");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    (void)read_elf(flipped, "flipped");
  }
}

}  // namespace
}  // namespace sealift::image
