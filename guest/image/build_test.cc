// SPDX-License-Identifier: Apache-2.0
#include "guest/image/build.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/matchers.h"
#include "formats/esm/verify.h"
#include "guest/agent/customer_data_wire.h"
#include "guest/image/image.h"
#include "guest/image/owner.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

/// Cancels the build when a step of that name begins.
class CancellingProgress final : public Progress {
 public:
  CancellingProgress(std::string step, std::atomic<bool>& cancelled)
      : step_{std::move(step)}, cancelled_{cancelled} {}
  void start(std::string_view step, std::uint64_t) override {
    if (step == step_) cancelled_ = true;
  }
  void advance(std::uint64_t) override {}
  void finish() override {}

 private:
  std::string step_;
  std::atomic<bool>& cancelled_;
};

class BuildTest : public testing::Test {
 protected:
  void SetUp() override {
    make_kernel_tree(path("kernel"), "6.1.0-1-test");
    put(path("root.tar"), make_tar(root_tree()));
    put(path("agent"), make_elf({.interpreter = "", .needed = {}, .modinfo = {}}));
    fs::create_directory(path("out"));
  }
  fs::path path(const std::string& name) const { return directory_.path() / name; }
  fs::path image() const { return path("out/image"); }
  fs::path seed() const { return path("out/seed"); }

  BuildRequest request() const {
    BuildRequest made;
    made.root = path("root.tar");
    made.root_options.free_space = 0;
    made.kernel.package = path("kernel");
    made.agent = path("agent");
    made.output = image();
    made.seed_file = seed();
    return made;
  }
  static void add(BuildRequest& to, const std::string& name, std::string_view value) {
    to.customer_data.push_back({name, SecretBytes::copy_of(as_bytes(value))});
  }
  Result<Manifest> build(BuildRequest made) { return build_image(std::move(made), quiet_.job()); }
  void expect_nothing_left() const {
    EXPECT_EQ(std::distance(fs::directory_iterator{path("out")}, {}), 0) << "something half-made was left";
  }

  QuietJob quiet_;
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
};

mode_t mode_of(const fs::path& file) {
  struct stat status{};
  EXPECT_EQ(stat(file.c_str(), &status), 0) << file;
  return status.st_mode & 07777;
}

TEST_F(BuildTest, MakesAnImageThatItsSeedOpens) {
  auto made = request();
  add(made, "token", "for the guest alone");
  ASSERT_THAT(build(std::move(made)), Succeeds());
  const auto opened = ImageDirectory::open(image());
  ASSERT_THAT(opened, Succeeds());
  EXPECT_THAT(opened->verify_digests(), Succeeds());
  EXPECT_EQ(opened->cmdline(), default_cmdline("measured", "x86_64"));
  EXPECT_TRUE(opened->operand().targets().empty());

  auto seed_bytes = read_secret_file(seed(), esm::kSeedSize);
  ASSERT_THAT(seed_bytes, Succeeds());
  const esm::Seed key{std::span<std::uint8_t, esm::kSeedSize>{seed_bytes->expose_for_writing()}};
  auto verified = esm::VerifiedOperand::verify(opened->operand(), key);
  ASSERT_THAT(verified, Succeeds());
  const auto& manifest = opened->manifest();
  auto approved = std::move(*verified).approve({.kernel = manifest.kernel.sha512,
                                                .initramfs = manifest.initramfs.sha512,
                                                .cmdline = manifest.cmdline.sha512,
                                                .rtas = std::nullopt});
  ASSERT_THAT(approved, Succeeds());
  const auto entries = std::move(*approved).take_customer_data();
  ASSERT_THAT(entries, Succeeds());
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].name, guest::kRootPassphraseName);
  EXPECT_EQ((*entries)[1].name, "token");
}

TEST_F(BuildTest, KeepsSeedAndCustomerDataOutOfTheImage) {
  auto made = request();
  add(made, "token", "for the guest alone");
  ASSERT_THAT(build(std::move(made)), Succeeds());
  const auto seed_bytes = text_of(seed());
  for (const auto& file : fs::directory_iterator{image()}) {
    const auto content = text_of(file.path());
    EXPECT_EQ(content.find(seed_bytes), std::string::npos) << file.path();
    EXPECT_EQ(content.find("for the guest alone"), std::string::npos) << file.path();
  }
}

TEST_F(BuildTest, LetsOthersReadTheImageButNotTheSeed) {
  ASSERT_THAT(build(request()), Succeeds());
  EXPECT_EQ(mode_of(image()), 0755U);
  EXPECT_EQ(mode_of(image() / kInitramfsFile), 0644U);
  EXPECT_EQ(mode_of(seed()), 0600U);
  EXPECT_EQ(std::distance(fs::directory_iterator{image()}, {}), 5)
      << "manifest, kernel, initramfs, cmdline, disk";
}

TEST_F(BuildTest, HasRoomForLargeCustomerData) {
  auto made = request();
  for (int i = 0; i < 6; ++i) add(made, "data" + std::to_string(i), std::string(60'000, 'd'));
  ASSERT_THAT(build(std::move(made)), Succeeds());
  EXPECT_THAT(ImageDirectory::open(image()), Succeeds());
}

TEST_F(BuildTest, MakesAnImageForSevWhoseOwnerKeepsWhatTheLaunchNeeds) {
  auto made = request();
  made.tee = kSev;
  made.seed_file.clear();
  made.owner = path("out/owner");
  add(made, "token", "for the guest alone");
  ASSERT_THAT(build(std::move(made)), Succeeds());
  const auto opened = ImageDirectory::open(image());
  ASSERT_THAT(opened, Succeeds());
  EXPECT_THAT(opened->verify_digests(), Succeeds());
  EXPECT_FALSE(opened->has_operand());
  const auto initramfs = read_file(image() / kInitramfsFile, 1 << 20).value();
  EXPECT_NE(as_text(initramfs).find("sealift/sev"), std::string_view::npos) << "the agent's mark";

  const auto owner = read_owner(path("out/owner"));
  ASSERT_THAT(owner, Succeeds());
  EXPECT_EQ(owner->inputs.image_id, opened->manifest().image_id);
  EXPECT_EQ(owner->inputs.cmdline, opened->cmdline());
  EXPECT_EQ(owner->inputs.initramfs_sha256, crypto::digest(crypto::HashAlgorithm::sha256, initramfs));
  ASSERT_EQ(owner->customer_data.size(), 2U);
  EXPECT_EQ(owner->customer_data[0].name, guest::kRootPassphraseName);
  EXPECT_TRUE(owner->customer_data[1].value.equals(as_bytes("for the guest alone")));
}

TEST_F(BuildTest, RefusesWhatSevCannotBringToTheGuest) {
  auto made = request();
  made.tee = kSev;
  EXPECT_THAT(build(std::move(made)), FailsAt(ErrorCode::invalid_argument, "owner"));
  made = request();
  made.tee = kSev;
  made.owner = path("out/owner");
  add(made, "large", std::string(3000, 'x'));
  EXPECT_THAT(build(std::move(made)), FailsAt(ErrorCode::too_large, "customer-data"));
  made = request();
  made.tee = "other";
  EXPECT_THAT(build(std::move(made)), FailsAt(ErrorCode::invalid_argument, "tee"));
  expect_nothing_left();
}

TEST_F(BuildTest, RefusesATeeThatTheImageCannotBeFor) {
  const auto refused_at = [this](const std::string& field, ErrorCode code, auto change) {
    auto made = request();
    change(made);
    EXPECT_THAT(build(std::move(made)), FailsAt(code, field));
    expect_nothing_left();
  };
  constexpr auto kArgument = ErrorCode::invalid_argument;
  refused_at("tee", kArgument, [](auto& made) { made.tee = "tdx"; });
  refused_at("kernel", kArgument, [](auto& made) { made.arch = "ppc64le"; });
  refused_at("cmdline", kArgument, [](auto& made) {
    made.tee = "pef";
    made.cmdline = "console=hvc0 svm=off svm=online";
  });
  refused_at("kernel", ErrorCode::unsupported, [](auto& made) { made.tee = "pef"; });  // a bzImage
}

TEST_F(BuildTest, RefusesASeedInsideOfTheImageDirectory) {
  for (const auto* inside : {"out/image/seed", "out/image/sub/seed", "out/./image/../image/seed"}) {
    auto made = request();
    made.seed_file = path(inside);
    EXPECT_THAT(build(std::move(made)), FailsAt(ErrorCode::invalid_argument, "seed")) << inside;
  }
  fs::create_directory_symlink(path("out"), path("link"));
  auto made = request();
  made.seed_file = path("link/image/seed");
  EXPECT_THAT(build(std::move(made)), FailsAt(ErrorCode::invalid_argument, "seed"));
  expect_nothing_left();
}

TEST_F(BuildTest, NeverWritesOverAnythingThatIsThere) {
  put(seed(), as_bytes("an older seed"));
  EXPECT_THAT(build(request()), FailsAt(ErrorCode::already_exists, "seed"));
  EXPECT_EQ(text_of(seed()), "an older seed");
  fs::remove(seed());
  fs::create_directory(image());
  EXPECT_THAT(build(request()), FailsAt(ErrorCode::already_exists, "output"));
}

TEST_F(BuildTest, RefusesWrongRequestsBeforeAnyWork) {
  const auto with = [&](auto change) {
    auto made = request();
    change(made);
    return build(std::move(made));
  };
  EXPECT_THAT(with([](auto& r) { add(r, "../x", "v"); }), FailsAt(ErrorCode::invalid_argument, "../x"));
  EXPECT_THAT(with([](auto& r) { add(r, "integrity", "v"); }),
              FailsAt(ErrorCode::invalid_argument, "integrity"));
  EXPECT_THAT(with([](auto& r) { add(r, "root-disk-passphrase", "v"); }),
              FailsWith(ErrorCode::invalid_argument));
  EXPECT_THAT(with([](auto& r) { add(r, "x", "1"), add(r, "x", "2"); }),
              FailsAt(ErrorCode::invalid_argument, "x"));
  EXPECT_THAT(with([](auto& r) { add(r, "x", std::string(65537, 'v')); }),
              FailsAt(ErrorCode::too_large, "x"));
  EXPECT_THAT(with([](auto& r) { r.cmdline = "quiet\n"; }), FailsAt(ErrorCode::invalid_argument, "cmdline"));
  EXPECT_THAT(with([](auto& r) { r.cmdline = std::string(2049, 'c'); }),
              FailsAt(ErrorCode::too_large, "cmdline"));
  EXPECT_THAT(with([](auto& r) { r.memory_mib = 0; }), FailsAt(ErrorCode::invalid_argument, "memory"));
  EXPECT_THAT(with([](auto& r) { r.seed_file = r.root.parent_path() / "no/seed"; }),
              FailsAt(ErrorCode::not_found, "seed"));
  expect_nothing_left();
}

TEST_F(BuildTest, LeavesNothingWhereAPartIsBad) {
  put(path("root.tar"), make_tar({entry("file", S_IFREG | 0644, "no cryptsetup here")}));
  EXPECT_THAT(build(request()), FailsAt(ErrorCode::dependency_missing, "cryptsetup"));
  expect_nothing_left();
  fs::remove_all(path("kernel"));
  EXPECT_FALSE(build(request()).has_value());
  expect_nothing_left();
}

TEST_F(BuildTest, LeavesNothingWhereverItIsInterrupted) {
  for (const auto* step : {"measure the root file system", "write the root file system",
                           "encrypt the root disk", "write the initramfs"}) {
    std::atomic<bool> cancelled{false};
    CancellingProgress progress{step, cancelled};
    EXPECT_THAT(build_image(request(), Job{progress, cancelled}), FailsWith(ErrorCode::canceled)) << step;
    expect_nothing_left();
  }
}

}  // namespace
}  // namespace sealift::image
