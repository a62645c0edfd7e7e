// SPDX-License-Identifier: Apache-2.0
#include "guest/image/image.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/matchers.h"
#include "crypto/random.h"
#include "guest/image/build.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

/// A target with sizes as an RSA storage key makes them.
esm::Target target_for(std::uint8_t host) {
  Bytes name{0, 11};
  name.resize(34, host);
  const auto sized = [](std::size_t size) {
    ByteWriter writer;
    writer.be16(static_cast<std::uint16_t>(size));
    Bytes out = std::move(writer).take();
    out.resize(2 + size, 0x5a);
    return out;
  };
  return {.storage_key_name = name,
          .policy = Bytes(32, host),
          .public_area = sized(48),
          .duplicate = sized(100),
          .seed = sized(256)};
}

class ImageTest : public testing::Test {
 protected:
  void SetUp() override {
    make_kernel_tree(path("kernel"), "6.1.0-1-test");
    put(path("root.tar"), make_tar(root_tree()));
    put(path("agent"), make_elf({.interpreter = "", .needed = {}, .modinfo = {}}));
    QuietJob quiet;
    BuildRequest request;
    request.root = path("root.tar");
    request.root_options.free_space = 0;
    request.kernel.package = path("kernel");
    request.agent = path("agent");
    request.output = image();
    request.seed_file = path("seed");
    ASSERT_THAT(build_image(std::move(request), quiet.job()), Succeeds());
  }
  fs::path path(const std::string& name) const { return directory_.path() / name; }
  fs::path image() const { return path("image"); }

  void flip(std::string_view file, std::size_t offset) const {
    auto content = text_of(image() / file);
    content[offset] = static_cast<char>(content[offset] ^ 1);
    put(image() / file, as_bytes(content));
  }

  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

TEST_F(ImageTest, IsSealedInPlaceToOneMachineAfterTheOther) {
  const auto before = text_of(image() / kInitramfsFile);
  for (std::uint8_t host = 1; host <= 5; ++host) {
    const auto change = seal_image(image(), std::vector{target_for(host)});
    ASSERT_THAT(change, Succeeds());
    EXPECT_EQ(change->targets, host);
    EXPECT_LE(change->bytes_written, 64U * 1024);
    EXPECT_GT(change->bytes_written, 0U);
  }
  const auto opened = ImageDirectory::open(image());
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(opened->operand().targets().size(), 5U);
  EXPECT_THAT(opened->verify_digests(), Succeeds()) << "sealing changes nothing that a digest covers";
  const auto after = text_of(image() / kInitramfsFile);
  const auto head = opened->manifest().initramfs_head_size;
  EXPECT_EQ(after.size(), before.size());
  EXPECT_EQ(after.substr(head), before.substr(head));
}

TEST_F(ImageTest, IsNotWrittenWhereItIsSealedToThatMachineAlready) {
  ASSERT_THAT(seal_image(image(), std::vector{target_for(1)}), Succeeds());
  const auto again = seal_image(image(), std::vector{target_for(1)});
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->bytes_written, 0U);
  EXPECT_EQ(again->targets, 1U);
}

TEST_F(ImageTest, StaysAsItWasWhereTheOperandIsFull) {
  std::vector<esm::Target> many;
  for (int host = 0; host < 200; ++host) many.push_back(target_for(static_cast<std::uint8_t>(host)));
  const auto before = text_of(image() / kInitramfsFile);
  EXPECT_THAT(seal_image(image(), many), FailsWith(ErrorCode::operand_full));
  EXPECT_EQ(text_of(image() / kInitramfsFile), before);
}

TEST_F(ImageTest, TakesTheSameBytesAndOneSyncWhateverItsSize) {
  const auto initramfs = image() / kInitramfsFile;
  fs::resize_file(initramfs, 1ULL << 30);  // sparse
  const auto written_so_far = [] {
    const auto io = text_of("/proc/self/io");
    return std::stoull(io.substr(io.find("wchar: ") + 7));
  };
  const auto before = written_so_far();
  ASSERT_THAT(seal_initramfs(initramfs, std::vector{target_for(1)}), Succeeds());
  EXPECT_LE(written_so_far() - before, 64U * 1024);
}

TEST_F(ImageTest, RefusesToSealWhatIsNoInitramfsOfOurs) {
  put(path("plain"), as_bytes("070701 is how an archive starts, but this is none"));
  EXPECT_FALSE(seal_initramfs(path("plain"), std::vector{target_for(1)}).has_value());
  put(path("empty"), {});
  EXPECT_THAT(seal_initramfs(path("empty"), std::vector{target_for(1)}),
              FailsWith(ErrorCode::operand_missing));
  EXPECT_THAT(seal_initramfs(path("nowhere"), std::vector{target_for(1)}), FailsWith(ErrorCode::not_found));
}

TEST_F(ImageTest, NamesTheFileThatWasAltered) {
  const auto code_after = [&](std::string_view file, std::size_t offset) {
    flip(file, offset);
    const auto opened = ImageDirectory::open(image());
    const auto verdict = opened ? opened->verify_digests() : Status{tl::unexpected(opened.error())};
    flip(file, offset);
    return verdict;
  };
  EXPECT_THAT(code_after(kKernelFile, 5000), FailsAt(ErrorCode::kernel_differs, "kernel"));
  EXPECT_THAT(code_after(kInitramfsFile, 60'000), FailsAt(ErrorCode::initramfs_differs, "initramfs"));
  EXPECT_THAT(code_after(kCmdlineFile, 3), FailsAt(ErrorCode::cmdline_differs, "cmdline"));
  EXPECT_THAT(code_after(kRootDiskFile, 20 << 20), FailsAt(ErrorCode::malformed, "rootdisk.luks"));
  EXPECT_THAT(ImageDirectory::open(image()), Succeeds());
}

TEST_F(ImageTest, RefusesFilesThatAreMissingOrOfAnotherSize) {
  for (const auto file : {kKernelFile, kInitramfsFile, kCmdlineFile, kRootDiskFile}) {
    const auto whole = image() / file;
    fs::resize_file(whole, fs::file_size(whole) + 1);
    EXPECT_THAT(ImageDirectory::open(image()), FailsAt(ErrorCode::malformed, file));
    fs::resize_file(whole, fs::file_size(whole) - 1);
    fs::rename(whole, path("aside"));
    EXPECT_THAT(ImageDirectory::open(image()), FailsWith(ErrorCode::not_found));
    fs::rename(path("aside"), whole);
  }
  fs::remove(image() / kManifestFile);
  EXPECT_THAT(ImageDirectory::open(image()), FailsWith(ErrorCode::not_found));
}

TEST_F(ImageTest, RefusesTheOperandOfAnotherImage) {
  auto json = text_of(image() / kManifestFile);
  const auto at = json.find("\"image_id\": \"") + 13;
  json[at] = json[at] == '0' ? '1' : '0';
  put(image() / kManifestFile, as_bytes(json));
  EXPECT_THAT(ImageDirectory::open(image()), FailsAt(ErrorCode::operand_malformed, "image-id"));
}

}  // namespace
}  // namespace sealift::image
