// SPDX-License-Identifier: Apache-2.0
/// Real kernels that really ask for secure mode: each format of the operand in each place. What must be
/// refused is tried on the memory that such a guest has when it asks. Needs what guest/ppc64le makes; skipped
/// without it.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "emulator/pef/boot_for_test.h"
#include "emulator/pef/guest/guest_for_test.h"
#include "emulator/pef/guest/hand_over.h"
#include "emulator/pef/guest/operand_search.h"
#include "formats/cpio/head.h"
#include "guest/agent/customer_data.h"
#include "guest/image/flat_kernel.h"
#include "guest/image/wrapped_kernel.h"
#include "services/ultravisor/domain/launch_parts.h"

namespace sealift::pef {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kCmdline = "console=hvc0 quiet panic=-1 svm=on";
constexpr std::string_view kSecret = "correct horse battery staple";
constexpr auto kPatience = 400s;  // seconds of work on a machine that may be busy
constexpr std::size_t kMaxFile = 256U << 20U;

crypto::Digest sha512(ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); }

class Boot : public testing::Test {
 protected:
  void SetUp() override {
    if (kernel_for_test("vmlinux-").empty()) GTEST_SKIP() << "needs what guest/ppc64le/build-kernel makes";
    auto rest = initramfs_body_for_test(SEALIFT_UNLOCK_PPC64LE);
    ASSERT_THAT(rest, Succeeds());
    rest_ = *std::move(rest);
    const auto fd = open_file(kernel_for_test("vmlinux-"), O_RDONLY).value();
    const auto flat = image::flat_kernel_digest(fd.get()).value().value();
    integrity_ = {.kernel = flat.digest,
                  .initrd = sha512(rest_),
                  .bootargs = sha512(as_bytes(kCmdline)),
                  .rtas = sha512(esm::slof_rtas()),
                  .kernel_size = flat.size};
    auto boot = BootForTest::create();
    ASSERT_THAT(boot, Succeeds());
    boot_.emplace(*std::move(boot));
  }

  Bytes our_operand() {
    std::vector<esm::CustomerData> data;
    data.push_back({"root-disk-passphrase", SecretBytes::copy_of(as_bytes(kSecret))});
    auto operand = esm::make(seed_, esm::ImageId::random(), integrity_, data).value();
    EXPECT_TRUE(operand.put_target(seals_.target()));
    return operand.serialise();
  }
  Bytes ibms_operand() {
    const auto pem = lockboxes_.wrapping_key().pem();
    auto opened = ibm_esm::OpenedBlob::make(ibm_esm::Recipient::from_pem(as_bytes(pem)).value()).value();
    EXPECT_TRUE(opened.set_integrity(integrity_));
    EXPECT_TRUE(opened.attach("root-disk-passphrase", as_bytes(kSecret)));
    return opened.serialise().value();
  }

  /// Starts the guest and lets it run until it asks.
  void boot_with_operand_in_initramfs(const Bytes& operand) {
    auto initramfs = cpio::make_head(operand).value();
    initramfs.insert(initramfs.end(), rest_.begin(), rest_.end());
    boot(read_file(kernel_for_test("vmlinux-"), kMaxFile).value(), initramfs);
  }
  void boot_with_operand_in_wrapper(const Bytes& operand) {
    const auto wrapper = read_file(kernel_for_test("zImage-"), kMaxFile).value();
    boot(image::with_operand(wrapper, operand).value(), rest_);
  }

  /// The error, or none, on the guest's memory as it is.
  Result<SecureGuest> ask() {
    return enter_secure_mode(guest().memory, call(), {seals_, lockboxes_}, [](std::string_view) {});
  }
  void flip(std::uint64_t address) {
    auto byte = guest().memory.view({address, 1}, "test").value()[0];
    byte ^= 1;
    ASSERT_THAT(guest().memory.write(address, {&byte, 1}, "test"), Succeeds());
  }
  void expect_refused(std::uint64_t flipped, ErrorCode code, const std::string& field) {
    flip(flipped);
    EXPECT_THAT(ask(), FailsAt(code, field));
    flip(flipped);
  }
  BootTree boot_tree() { return read_boot_tree(guest().memory, call().fdt_address).value(); }
  void expect_every_alteration_to_be_found() {
    const auto tree = boot_tree();
    expect_refused(call().kernel_base, ErrorCode::kernel_differs, "kernel");
    expect_refused(call().kernel_base + *integrity_.kernel_size - 1, ErrorCode::kernel_differs, "kernel");
    expect_refused(tree.initrd->start + tree.initrd->size - 1, ErrorCode::initramfs_differs, "initramfs");
    expect_refused(tree.rtas->start, ErrorCode::rtas_differs, "rtas");
    const auto word = as_text(tree.blob).find("console=hvc0");
    ASSERT_NE(word, std::string_view::npos);
    expect_refused(call().fdt_address + word, ErrorCode::cmdline_differs, "cmdline");
  }

  void expect_wrappers_operand_to_be_needed() {
    const auto ours = find_operand(guest().memory, boot_tree());
    ASSERT_THAT(ours, Succeeds());
    ASSERT_TRUE(ours->in_wrapper);
    expect_refused(ours->in_wrapper->start, ErrorCode::operand_malformed, "chosen.linux,esm-blob-start");
  }

  /// The guest is let in; its own words, and its memory afterwards.
  void let_in() {
    ASSERT_THAT(trap().expect_alone(), Succeeds());
    auto secure = ask();
    ASSERT_THAT(secure, Succeeds());
    const auto message = ultravisor::message_for_guest(std::move(secure->customer_data)).value();
    ASSERT_THAT(hand_over(guest().memory, *secure, message), Succeeds());
    const auto pages = boot_tree().reserved.back();
    ASSERT_THAT(trap().enter(call()), Succeeds());
    ASSERT_THAT(await_console("sealift: customer data received"), Succeeds());
    EXPECT_NE(console().find("Switching to secure mode."), std::string::npos) << console();
    const auto left = guest().memory.view(pages, "pages").value();
    EXPECT_EQ(as_text(left).find(kSecret), std::string_view::npos) << "the guest wipes what it took";
    guest().process->stop();
  }

  PausedGuest& guest() { return boot_->guest(); }
  UltracallTrap& trap() { return boot_->trap(); }
  const EsmCall& call() const { return boot_->call(); }
  std::string console() const { return boot_->console(); }
  Status await_console(const std::string& text) {
    const auto deadline = GdbClient::Clock::now() + kPatience;
    bool ended = false;
    while (console().find(text) == std::string::npos) {
      if (ended) return fail(ErrorCode::guest_failed, console());
      if (GdbClient::Clock::now() > deadline) return fail(ErrorCode::timeout, console());
      ended = guest().process->wait(50ms).has_value();
    }
    return {};
  }

  esm::Seed seed_ = crypto::random_secret<esm::kSeedSize>();
  SealOpenerForTest seals_{seed_.expose()};
  LockboxOpenerForTest lockboxes_;
  esm::IntegrityInformation integrity_;

 private:
  void boot(const Bytes& kernel_file, const Bytes& initramfs) {
    const auto asks = boot_->until_it_asks(kernel_file, initramfs, kCmdline, kPatience);
    ASSERT_THAT(asks, Succeeds()) << boot_->console();
  }

  std::optional<BootForTest> boot_;
  Bytes rest_;
};

/// Format and place of the operand.
class BootInEveryForm : public Boot, public testing::WithParamInterface<std::tuple<bool, bool>> {};

TEST_P(BootInEveryForm, AsksForSecureModeAndGetsItUnaltered) {
  const auto [ibms, in_wrapper] = GetParam();
  const auto operand = ibms ? ibms_operand() : our_operand();
  in_wrapper ? boot_with_operand_in_wrapper(operand) : boot_with_operand_in_initramfs(operand);
  ASSERT_FALSE(HasFatalFailure());
  expect_every_alteration_to_be_found();
  if (in_wrapper) {
    expect_wrappers_operand_to_be_needed();
  } else {
    expect_refused(boot_tree().initrd->start, ErrorCode::operand_missing, "");
  }
  let_in();
}

INSTANTIATE_TEST_SUITE_P(Forms, BootInEveryForm, testing::Combine(testing::Bool(), testing::Bool()),
                         [](const auto& form) {
                           return std::string{std::get<0>(form.param) ? "IbmEsm" : "SealiftEsmV1"} +
                                  (std::get<1>(form.param) ? "InTheWrapper" : "InTheInitramfs");
                         });

TEST_F(Boot, EndsByItselfWhereItIsRefused) {
  boot_with_operand_in_initramfs(our_operand());
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_THAT(trap().answer(UltracallCode::permission), Succeeds());
  EXPECT_THAT(guest().process->wait(kPatience), Succeeds());
  EXPECT_NE(console().find("Switching to secure mode."), std::string::npos);
  EXPECT_EQ(console().find("customer data received"), std::string::npos) << console();
}

}  // namespace
}  // namespace sealift::pef
