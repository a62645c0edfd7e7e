// SPDX-License-Identifier: Apache-2.0
#include "guest/image/kernel.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/matchers.h"
#include "guest/image/kernel_module.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVersion = "6.1.0-1-test";

class KernelTest : public testing::Test {
 protected:
  void SetUp() override { make_kernel_tree(tree(), kVersion); }

  fs::path path(const std::string& name) const { return directory_.path() / name; }
  fs::path tree() const { return path("tree"); }
  fs::path module(const std::string& name) const {
    return tree() / "lib/modules" / kVersion / "kernel" / name;
  }

  Result<Kernel> load(const KernelSource& source) {
    return load_kernel(source, path("scratch"), quiet_.job());
  }
  Result<Kernel> load_tree() { return load({.package = tree(), .image = {}, .modules = {}}); }

  static std::vector<std::string> names(const Kernel& kernel) {
    std::vector<std::string> out;
    for (const auto& module : kernel.modules) out.push_back((module.required ? "" : "?") + module.name);
    return out;
  }

  QuietJob quiet_;
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

TEST_F(KernelTest, KnowsItsVersionArchitectureAndModulesInLoadOrder) {
  const auto kernel = load_tree();
  ASSERT_THAT(kernel, Succeeds());
  EXPECT_EQ(kernel->version, kVersion);
  EXPECT_EQ(kernel->arch, "x86_64");
  const std::vector<std::string> expected{"?ecb",       "?cryptd",    "?aesni_intel",   "virtio",
                                          "virtio_pci", "virtio_blk", "virtio_console", "dm_mod",
                                          "dm_crypt",   "xts"};
  EXPECT_EQ(names(*kernel), expected);
}

TEST_F(KernelTest, IsTheSameFromADebianPackage) {
  std::vector<std::pair<TreeEntry, std::string>> entries;
  for (const auto& file : fs::recursive_directory_iterator{tree()})
    if (file.is_regular_file())
      entries.push_back(
          entry("./" + fs::relative(file.path(), tree()).string(), S_IFREG | 0644, text_of(file.path())));
  entries.push_back(entry("./usr/share/doc/unwanted", S_IFREG | 0644, "x"));
  put(path("linux.deb"), make_debian_package(make_tar(entries)));
  const auto package = load({.package = path("linux.deb"), .image = {}, .modules = {}});
  const auto directory = load_tree();
  ASSERT_THAT(package, Succeeds());
  ASSERT_THAT(directory, Succeeds());
  EXPECT_EQ(names(*package), names(*directory));
  EXPECT_EQ(text_of(package->image), text_of(directory->image));
  EXPECT_FALSE(fs::exists(path("scratch") / "usr/share"));
}

TEST_F(KernelTest, MayBeNamedInTwoParts) {
  const auto kernel = load({.package = {},
                            .image = tree() / "boot" / (std::string{"vmlinuz-"} + kVersion),
                            .modules = tree() / "lib/modules" / kVersion / ""});
  ASSERT_THAT(kernel, Succeeds());
  EXPECT_EQ(kernel->version, kVersion);
  EXPECT_THAT(load({.package = {}, .image = path("x"), .modules = {}}),
              FailsWith(ErrorCode::invalid_argument));
}

TEST_F(KernelTest, RefusesModulesOfAnotherVersion) {
  put(tree() / "boot" / (std::string{"vmlinuz-"} + kVersion), make_kernel_image("6.1.0-2-test"));
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::invalid_argument, "modules"));
}

TEST_F(KernelTest, RefusesWhatIsNoKernel) {
  put(tree() / "boot" / (std::string{"vmlinuz-"} + kVersion), Bytes(100'000));
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::unsupported, "kernel"));
  put(tree() / "boot" / (std::string{"vmlinuz-"} + kVersion), as_bytes("short"));
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::unsupported, "kernel"));
}

TEST_F(KernelTest, NamesTheModuleThatIsMissingAndWhoNeedsIt) {
  fs::remove(module("drivers/md/dm-mod.ko"));
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::dependency_missing, "dm_mod"));
  make_kernel_tree(tree(), kVersion);
  fs::remove(module("drivers/virtio/virtio.ko"));
  const auto kernel = load_tree();
  ASSERT_THAT(kernel, FailsAt(ErrorCode::dependency_missing, "virtio"));
  EXPECT_NE(kernel.error().message.find("virtio_pci"), std::string::npos);
}

TEST_F(KernelTest, DoesWithoutModulesThatOnlyMakeItFaster) {
  fs::remove(module("arch/x86/crypto/aesni-intel.ko"));
  fs::remove(module("crypto/aesni-intel.ko"));
  fs::remove(module("crypto/cryptd.ko"));
  const auto kernel = load_tree();
  ASSERT_THAT(kernel, Succeeds());
  EXPECT_FALSE(
      std::ranges::any_of(kernel->modules, [](const auto& module) { return module.name == "cryptd"; }));
}

TEST_F(KernelTest, RefusesCompressedModules) {
  fs::rename(module("drivers/md/dm-crypt.ko"), module("drivers/md/dm-crypt.ko.xz"));
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::unsupported, "dm_crypt"));
}

TEST_F(KernelTest, RefusesAModuleThatIsNoElfFile) {
  put(module("drivers/md/dm-crypt.ko"), as_bytes("not a module"));
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::malformed, "dm_crypt"));
}

TEST_F(KernelTest, AsksWhichOneWhereThereAreTwo) {
  make_kernel_tree(tree(), "6.1.0-2-test");
  EXPECT_THAT(load_tree(), FailsAt(ErrorCode::invalid_argument, "kernel"));
  EXPECT_THAT(load({.package = path("nowhere"), .image = {}, .modules = {}}),
              FailsWith(ErrorCode::malformed));
}

TEST_F(KernelTest, LetsAPackageReachNothingOutsideOfItsDirectory) {
  const auto package = make_debian_package(make_tar({entry("boot/../../escape", S_IFREG | 0644, "x")}));
  put(path("evil.deb"), package);
  EXPECT_THAT(load({.package = path("evil.deb"), .image = {}, .modules = {}}),
              FailsWith(ErrorCode::malformed));
  EXPECT_FALSE(fs::exists(path("escape")));
}

TEST_F(KernelTest, SurvivesModulesThatNeedEachOther) {
  put(module("drivers/md/dm-mod.ko"),
      make_elf({.interpreter = "", .needed = {}, .modinfo = {"depends=dm-crypt"}}));
  EXPECT_THAT(load_tree(), Succeeds());
}

TEST(KernelModule, IsReadWhateverItsBytes) {
  const auto whole =
      make_elf({.interpreter = "", .needed = {}, .modinfo = {"depends=a,b-c", "softdep=pre: d post: e"}});
  const auto needs = read_module_needs(whole, "whole");
  ASSERT_THAT(needs, Succeeds());
  EXPECT_EQ(needs->depends, (std::vector<std::string>{"a", "b_c"}));
  EXPECT_EQ(needs->better, (std::vector<std::string>{"d"}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    (void)read_module_needs(ByteView{whole}.first(size), "truncated");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    (void)read_module_needs(flipped, "flipped");
  }
}

}  // namespace
}  // namespace sealift::image
