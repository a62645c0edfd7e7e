// SPDX-License-Identifier: Apache-2.0
/// sealift image, enrol and dev host: one image from its build to a machine.
#include <fcntl.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/matchers.h"
#include "cli/tool_for_test.h"

namespace sealift::cli {
namespace {

namespace fs = std::filesystem;

fs::path cache() {
  if (const char* directory = std::getenv("XDG_CACHE_HOME")) return fs::path{directory} / "sealift/debian";
  const char* home = std::getenv("HOME");
  return fs::path{home != nullptr ? home : "/"} / ".cache/sealift/debian";
}

class ImageBuild : public ToolTest {
 protected:
  std::vector<std::string> build(const std::string& root, const std::string& kernel) {
    return {"image", "build", "--root",      root,     "--kernel",
            kernel,  "--out", path("image"), "--seed", path("seed")};
  }
  /// A directory with a kernel that has all modules built in: enough to begin.
  std::string kernel_package() {
    fs::create_directories(path("kernel/boot"));
    fs::create_directories(path("kernel/lib/modules/6.1.0"));
    std::string image(1U << 17U, '\0');
    image.replace(0x1fe, 2, "\x55\xaa");
    image.replace(0x202, 4, "HdrS");
    image.replace(0x20e, 2, std::string{"\x00\x20", 2});
    image.replace(0x236, 2, std::string{"\x01\x00", 2});
    image.replace(0x2200, 6, "6.1.0 ");
    write("kernel/boot/vmlinuz-6.1.0", image);
    std::string builtin;
    for (const std::string module :
         {"virtio_pci", "virtio_blk", "virtio_console", "dm-mod", "dm-crypt", "xts", "ext4"}) {
      builtin += "kernel/" + module + ".ko\n";
    }
    write("kernel/lib/modules/6.1.0/modules.builtin", builtin);
    write("kernel/lib/modules/6.1.0/modules.dep", "");
    return path("kernel");
  }
};

TEST_F(ImageBuild, InterruptedLeavesNothingBehind) {
  fs::create_directory(path("root"));
  write("root/large", "");
  fs::resize_file(path("root/large"), 4ULL << 30U);
  const auto kernel = kernel_package();
  const auto before = files();

  auto command = sealift_command(build(path("root"), kernel));
  const auto log = open_file(path("log"), O_RDWR | O_CREAT).value();
  command.stderr_fd = log.get();
  auto child = spawn(command).value();
  const auto begun = [&] { return files() > before + 1; };  // the log, and what is being built
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!begun() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  child.signal(SIGINT);
  EXPECT_EQ(child.wait().value(), 3) << as_text(read("log"));
  EXPECT_NE(as_text(read("log")).find("sealift: canceled: "), std::string::npos) << as_text(read("log"));
  EXPECT_EQ(files(), before + 1);
}

TEST_F(ImageBuild, RefusesAKernelFileWithoutItsModules) {
  const auto error = sealift_error(build(path("root"), write("vmlinuz", "kernel")), 2);
  EXPECT_EQ(error["field"], "--modules");
}

TEST_F(ImageBuild, RefusesCustomerDataWithoutAFile) {
  auto arguments = build(path("root"), kernel_package());
  arguments.insert(arguments.end(), {"--customer-data", "just-a-name"});
  EXPECT_EQ(sealift_error(arguments, 2)["field"], "--customer-data");
}

/// A machine, an image and an enrolled host, with the tool's own commands.
class Chain : public ImageBuild {
 protected:
  void SetUp() override {
    if (!fs::exists(cache() / "rootfs.tar") || !fs::exists(cache() / "linux-image.deb"))
      GTEST_SKIP() << "needs what guest/fetch-debian puts into " << cache();
    host({"create", "alpha", "--ek", "p256", "--storage-key", "p256"});
    machine_ = host({"boot", "alpha"});
  }
  void TearDown() override {
    if (exists("machines")) sealift({"dev", "host", "stop", "alpha", "--dir", path("machines")});
  }
  Json host(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"dev", "host"});
    arguments.insert(arguments.end(), {"--dir", path("machines")});
    return sealift_json(arguments);
  }
  std::string pcr() const {
    return "sha256:6=" + machine_["expected_pcrs"]["sha256"]["6"].get<std::string>();
  }
  void enrol() {
    host({"evidence", "alpha", "--out", path("evidence")});
    sealift_json({"enrol", "challenge", "--evidence", path("evidence"), "--root",
                  path("machines/ca/root.pem"), "--intermediate", path("machines/ca/intermediate.pem"),
                  "--crl", path("machines/ca/root.crl"), "--crl", path("machines/ca/intermediate.crl"),
                  "--require-crl", "--pcr", pcr(), "--state", path("state"), "--out", path("challenge")});
    host({"activate", "alpha", "--challenge", path("challenge"), "--out", path("response")});
    enrolled_ = sealift_json({"enrol", "finish", "--state", path("state"), "--response", path("response"),
                              "--out", path("alpha.json")});
  }
  Json machine_;
  Json enrolled_;
};

TEST_F(Chain, EnrolsBuildsSealsAndShowsARefusal) {
  enrol();
  EXPECT_EQ(enrolled_["storage_key_name"], machine_["storage_key"]["name"]);
  EXPECT_EQ(sealift_json({"enrol", "show", path("alpha.json")})["pcr"], pcr());
  EXPECT_EQ(sealift_error({"enrol", "finish", "--state", path("state"), "--response", path("response"),
                           "--out", path("again.json")},
                          1)["code"],
            "challenge_used");

  const auto built =
      sealift_json(build((cache() / "rootfs.tar").string(), (cache() / "linux-image.deb").string()));
  const auto log = machine_["event_log"].get<std::string>();
  const std::vector<std::string> seal{"image",      "seal",   path("image"),      "--seed",
                                      path("seed"), "--host", path("alpha.json"), "--reference",
                                      log};
  const auto sealed = sealift_json(seal);
  EXPECT_EQ(sealed["image_id"], built["image_id"]);
  EXPECT_EQ(sealed["sealed"][0]["pcr"], pcr());
  EXPECT_LE(sealed["bytes_written"], 65536);
  const auto shown = sealift_json({"image", "show", path("image"), "--verify"});
  EXPECT_EQ(shown["verdict"], "matches");
  EXPECT_EQ(shown["targets"][0]["storage_key_name"], machine_["storage_key"]["name"]);
  EXPECT_TRUE(exists("image/reference.eventlog"));

  const auto cmdline = shown["command_line"].get<std::string>();
  const auto verified =
      sealift_json({"esm", "verify", path("image/initramfs"), "--kernel", path("image/kernel"), "--initramfs",
                    path("image/initramfs"), "--cmdline", cmdline, "--seed", path("seed")});
  EXPECT_EQ(verified["verdict"], "matches");

  const auto refused = sealift_error({"dev", "host", "run", "alpha", path("image"), "--dir", path("machines"),
                                      "--cmdline", cmdline + " init=/bin/sh"},
                                     1);
  EXPECT_EQ(refused["code"], "cmdline_differs");
}

TEST_F(Chain, RefusesTheSeedOfAnotherImage) {
  sealift_json(build((cache() / "rootfs.tar").string(), (cache() / "linux-image.deb").string()));
  write("other-seed", std::string(32, 'x'));
  enrol();
  EXPECT_EQ(sealift_error(
                {"image", "seal", path("image"), "--seed", path("other-seed"), "--host", path("alpha.json")},
                1)["code"],
            "hmac_differs");
}

TEST_F(Chain, WillNotRunOnAMachineThatIsOff) {
  host({"stop", "alpha"});
  EXPECT_EQ(
      sealift_error({"dev", "host", "run", "alpha", path("image"), "--dir", path("machines")}, 3)["code"],
      "unavailable");
}

}  // namespace
}  // namespace sealift::cli
