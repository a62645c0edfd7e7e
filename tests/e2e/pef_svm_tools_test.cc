// SPDX-License-Identifier: Apache-2.0
/// IBM's own svm-tools make a blob for the wrapping key in an emulated POWER9's TPM, out of an image's
/// kernel, initramfs, command line and passphrase; the image boots with it, unchanged. Needs a checkout of
/// svm-tools, which SEALIFT_SVM_TOOLS names, and what they need; skipped without.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "cli/tool_for_test.h"
#include "formats/cpio/head.h"
#include "formats/esm/verify.h"

namespace sealift::e2e {
namespace {

using cli::Json;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 256U << 20U;
constexpr std::string_view kPassword = "of the owner's key";
constexpr const char* kWrappingKey = "0x81800001";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string cached(const std::string& name) {
  const auto cache = variable("XDG_CACHE_HOME");
  return (cache.empty() ? variable("HOME") + "/.cache" : cache) + "/sealift/ppc64le/" + name;
}

/// The kernel in its wrapper, with room for an operand.
std::string wrapper() {
  for (const auto& file : fs::directory_iterator{cached("kernel/boot")})
    if (file.path().filename().string().starts_with("zImage-")) return file.path();
  return {};
}

class SvmTools : public cli::ToolTest {
 protected:
  void SetUp() override {
    if (tools_.empty()) GTEST_SKIP() << "SEALIFT_SVM_TOOLS names no svm-tools";
    if (!fs::exists(cached("rootfs.tar")) || !fs::exists(cached("kernel/boot")))
      GTEST_SKIP() << "needs what guest/ppc64le makes";
    fs::create_directory(path("machines"));
    cli::sealift_json({"image", "build", "--tee", "pef", "--root", cached("rootfs.tar"), "--kernel",
                       cached("kernel"), "--out", path("image"), "--seed", path("seed")});
    switch_on("power");
    make_blob();
    add_to_initramfs();
  }
  void TearDown() override {
    for (const auto& name : machines_) host({"stop", name});
  }

  Words in_machines(Words words) const {
    words.insert(words.begin(), {"dev", "host"});
    words.insert(words.end(), {"--dir", path("machines")});
    return words;
  }
  Json host(Words words) const { return cli::sealift_json(in_machines(std::move(words))); }

  /// A machine, and NAME.pem: the public part of its wrapping key, as its TPM tells it.
  void switch_on(const std::string& name) {
    host({"create", name, "--tee", "pef"});
    machines_.push_back(name);
    const auto machine = host({"boot", name});
    ASSERT_THAT(run_checked({.argv = {"tpm2_readpublic", "-Q", "-T", machine.at("tcti"), "-c", kWrappingKey,
                                      "-f", "pem", "-o", path(name + ".pem")}}),
                Succeeds());
  }

  /// `python3 -m MODULE …` in the test's directory, without a terminal that could be asked for a password.
  void svm_tools(const std::string& module, const Words& words, const std::string& input = {}) const {
    Command command;
    command.argv = {"setsid",
                    "--wait",
                    "env",
                    "-C",
                    path("."),
                    "/usr/bin/python3",
                    "-Wignore",
                    "-m",  // Debian's, which has Debian's modules
                    "svm_tool." + module};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.environment = {"PYTHONPATH=" + tools_, "PYTHONDONTWRITEBYTECODE=1",
                           "CROSS_COMPILE=powerpc64le-linux-gnu-"};
    const auto output = run(std::move(command), as_bytes(input)).value();
    ASSERT_EQ(output.exit_status, 0) << output.err;
  }
  static std::string password(int times) {
    std::string lines;
    for (; times > 0; --times) lines += std::string{kPassword} + "\n";
    return lines;
  }

  /// What a customer has: a kernel, an initramfs, a command line, and the passphrase of a disk.
  void make_blob() {
    const auto initramfs = read_file(path("image/initramfs"), kMaxFile).value();
    const auto place = cpio::find_operand(ByteView{initramfs}.first(cpio::kUsualHeadSize)).value();
    write("rest", ByteView{initramfs}.subspan(place.rest_offset));
    write_passphrase(ByteView{initramfs}.subspan(place.offset, place.size));
    const auto cmdline = std::string{as_text(read("image/cmdline"))};
    write("cmdline", cmdline);
    write("vm.yml",
          "- origin: {pubkey: owner.pub, seckey: owner.key}\n"
          "- recipient: {comment: power, pubkey: power.pem}\n"
          "- digest: {args: '" +
              cmdline +
              "', initramfs: rest, kernel: image/kernel}\n"
              "- file: {name: root-disk-passphrase, path: passphrase}\n"
              "- file: {name: 'token,1+2', path: cmdline}\n");
    svm_tools("esm", {"generate", "-p", "owner.pub", "-s", "owner.key"}, password(2));
    svm_tools("esm", {"make", "-b", "vm.esm", "-y", "vm.yml"}, password(1));
  }
  void write_passphrase(ByteView operand) const {
    auto bytes = read("seed");
    const esm::Seed seed{std::span{bytes}.first<esm::kSeedSize>()};
    auto verified = esm::VerifiedOperand::verify(esm::Operand::parse(operand).value(), seed).value();
    const auto integrity = verified.integrity();
    auto approved = std::move(verified)
                        .approve({integrity.kernel, integrity.initrd, integrity.bootargs, integrity.rtas})
                        .value();
    write("passphrase", std::move(approved).take_customer_data().value().front().value.expose());
  }
  void add_to_initramfs() const {
    svm_tools("svm", {"add", "-i", "rest", "-b", "vm.esm", "-f", "initramfs.svm"});
  }

  Words run_words(const std::string& machine, const Words& changes) const {
    Words words{"run", machine, path("image"), "--timeout", "500"};
    words.insert(words.end(), changes.begin(), changes.end());
    return in_machines(words);
  }
  void expect_boot(const std::string& machine, Words changes) const {
    changes.insert(changes.end(), {"--console", path("console"), "--until", "login:"});
    const auto output = cli::sealift(run_words(machine, changes));
    const auto console = std::string{as_text(read("console"))};
    ASSERT_EQ(output.exit_status, 0) << output.err << console;
    EXPECT_NE(console.find("Switching to secure mode."), std::string::npos) << console;
    EXPECT_NE(console.find("sealift: root disk opened"), std::string::npos) << console;
  }
  void expect_refusal(const std::string& machine, const Words& changes, const std::string& code,
                      const std::string& field) const {
    const auto error = cli::sealift_error(run_words(machine, changes), 1);
    EXPECT_EQ(error.value("code", ""), code) << error;
    EXPECT_EQ(error.value("field", ""), field) << error;
  }

 private:
  const std::string tools_ = variable("SEALIFT_SVM_TOOLS");
  Words machines_;
};

TEST_F(SvmTools, BlobBootsUnchangedFromTheInitramfs) {
  expect_boot("power", {"--initramfs", path("initramfs.svm")});
  expect_refusal("power",
                 {"--initramfs", path("initramfs.svm"), "--cmdline", "console=hvc0 svm=on init=/bin/sh"},
                 "cmdline_differs", "cmdline");
}

TEST_F(SvmTools, BlobBootsUnchangedFromTheKernelsWrapper) {
  cli::sealift_json(
      {"image", "embed", "--kernel", wrapper(), "--operand", path("vm.esm"), "--out", path("zImage.esm")});
  expect_boot("power", {"--kernel", path("zImage.esm"), "--initramfs", path("rest")});
}

TEST_F(SvmTools, BlobBootsOnAnotherMachineOnlyOnceTheyAuthoriseIt) {
  switch_on("other");
  expect_refusal("other", {"--initramfs", path("initramfs.svm")}, "no_target_for_host", "lockboxes");
  svm_tools("esm", {"authorize", "-b", "vm.esm", "-p", "other.pem", "-s", "owner.key"}, password(1));
  add_to_initramfs();
  expect_boot("other", {"--initramfs", path("initramfs.svm")});
}

TEST_F(SvmTools, BlobStaysShutWhereTheFirmwareLeavesPefOff) {
  host({"stop", "power"});
  host({"flash", "power", "--pef", "off"});
  host({"boot", "power"});
  expect_refusal("power", {"--initramfs", path("initramfs.svm")}, "pcr_differs", "pcr6.pef-enable");
}

}  // namespace
}  // namespace sealift::e2e
