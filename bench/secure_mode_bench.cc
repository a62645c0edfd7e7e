// SPDX-License-Identifier: Apache-2.0
// What an ultravisor takes to answer UV_ESM, on a real kernel that asked and was stopped there: finding,
// opening by a TPM, measuring, over SHA-512 of the bytes that must be hashed and the TPM's own time. CPU time
// of both processes; the median of pairs. Needs what guest/ppc64le makes; without it, and without a TPM, the
// same over a guest's memory alone.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "bench/measure.h"
#include "emulator/pef/boot_for_test.h"
#include "emulator/pef/guest/guest_for_test.h"
#include "emulator/pef/guest/hand_over.h"
#include "formats/cpio/head.h"
#include "guest/image/flat_kernel.h"
#include "services/ultravisor/domain/launch_parts.h"
#include "tpm/machine_for_test.h"

namespace sealift::pef {
namespace {

using namespace bench;

constexpr int kRounds = 41;
constexpr double kLimit = 1.3;
constexpr std::string_view kCmdline = "console=hvc0 quiet panic=-1 svm=on";
constexpr std::chrono::seconds kPatience{600};
constexpr std::size_t kMaxFile = 256U << 20U;
constexpr std::uint8_t kFill = 7;  // of the seed

crypto::Digest sha512(ByteView bytes) { return crypto::digest(crypto::HashAlgorithm::sha512, bytes); }

void without_tpm() {
  GuestForTest guest{2'000'000, 8'000'000};
  std::vector<double> ratios;
  for (int i = 0; i < kRounds; ++i) {
    const auto call = own_cpu_seconds_of([&] { must(guest.ask()); });
    const auto floor = own_cpu_seconds_of([&] {
      for (const auto* part : {&guest.kernel, &guest.rest}) sha512(*part);
    });
    ratios.push_back(call / floor);
  }
  report("UV_ESM without a TPM, 10 MB of guest: CPU / SHA-512", median(ratios), Goal::at_most, kLimit);
}

/// The only child of this process when the TPM has just been started.
pid_t only_child() {
  const auto self = std::to_string(getpid());
  std::ifstream children{"/proc/self/task/" + self + "/children"};
  pid_t pid = 0;
  if (!(children >> pid)) give_up({ErrorCode::not_found, "the software TPM is not our child", {}, {}});
  return pid;
}

/// A machine's TPM, and what it took the last time.
class TimedTpm final : public tee::SealOpener {
 public:
  TimedTpm()
      : machine_{must(tpm::MachineForTest::start(tpm::firmware_profile(), tpm::KeyKind::rsa2048))},
        process_{only_child()} {}
  esm::Target target() const {
    const auto data = must(machine_.seal(kFill));
    return {to_bytes(storage_key_name()), to_bytes(tpm::Policy{}.pcr(machine_.expected).digest().view()),
            data.public_area, data.duplicate, data.seed};
  }
  ByteView storage_key_name() const override { return machine_.parent.key.name().view(); }
  Result<SecretBytes> open(const esm::Target& target) override {
    const auto cpu_before = cpu_seconds_of(process_);
    const auto start = wall_seconds();
    auto secret = machine_.unseal({target.public_area, target.duplicate, target.seed});
    wall = wall_seconds() - start;
    cpu = cpu_seconds_of(process_) - cpu_before;
    return secret;
  }

  double wall = 0;
  double cpu = 0;  ///< of the TPM's process

 private:
  tpm::MachineForTest machine_;
  pid_t process_;
};

struct Image {
  Bytes kernel;     ///< the ELF
  Bytes initramfs;  ///< with its operand
  std::size_t hashed = 0;
};

Image build(const TimedTpm& tpm) {
  Image image{must(read_file(kernel_for_test("vmlinux-"), kMaxFile)), {}};
  const auto fd = must(open_file(kernel_for_test("vmlinux-"), O_RDONLY));
  const auto flat = must(image::flat_kernel_digest(fd.get())).value();
  const auto rest = must(initramfs_body_for_test(SEALIFT_UNLOCK_PPC64LE));
  Bytes fill(esm::kSeedSize, kFill);
  const esm::Seed seed{std::span<std::uint8_t, esm::kSeedSize>{fill}};
  std::vector<esm::CustomerData> data;
  data.push_back({"root-disk-passphrase", SecretBytes::copy_of(as_bytes("correct horse"))});
  const esm::IntegrityInformation integrity{.kernel = flat.digest,
                                            .initrd = sha512(rest),
                                            .bootargs = sha512(as_bytes(kCmdline)),
                                            .rtas = sha512(esm::slof_rtas()),
                                            .kernel_size = flat.size};
  auto operand = must(esm::make(seed, esm::ImageId::random(), integrity, data));
  must(operand.put_target(tpm.target()));
  image.initramfs = must(cpio::make_head(operand.serialise()));
  image.initramfs.insert(image.initramfs.end(), rest.begin(), rest.end());
  image.hashed = flat.size + rest.size() + kCmdline.size() + esm::slof_rtas().size();
  return image;
}

void with_tpm() {
  TimedTpm tpm;
  LockboxOpenerForTest lockboxes;
  const auto image = build(tpm);
  auto boot = must(BootForTest::create());
  const auto start = wall_seconds();
  must(boot.until_it_asks(image.kernel, image.initramfs, kCmdline, kPatience));
  const auto asked = wall_seconds();
  auto& memory = boot.guest().memory;
  const auto ask = [&] {
    must(boot.trap().expect_alone());
    return must(enter_secure_mode(memory, boot.call(), {tpm, lockboxes}, [](std::string_view) {}));
  };
  const auto hashed = to_bytes(must(memory.view({boot.call().kernel_base, image.hashed}, "kernel")));
  std::vector<double> ratios;
  for (int i = 0; i < kRounds; ++i) {
    const auto own = own_cpu_seconds_of(ask);
    const auto floor = own_cpu_seconds_of([&] { sha512(hashed); });
    ratios.push_back((own + tpm.cpu) / (floor + tpm.cpu));
  }
  report("UV_ESM of a real kernel: CPU of verification / (SHA-512 of what it hashes + TPM)", median(ratios),
         Goal::at_most, kLimit);
  note("from QEMU's start to the call, wall s", asked - start);

  const auto called = wall_seconds();
  auto guest = ask();
  must(hand_over(memory, guest, must(ultravisor::message_for_guest(std::move(guest.customer_data)))));
  must(boot.trap().enter(boot.call()));
  const auto answered = wall_seconds() - called;
  note("from the call to its return, wall ms", answered * 1e3);
  note("of that the TPM, wall ms", tpm.wall * 1e3);
  note("of that the TPM, %", 100 * tpm.wall / answered);
  note("bytes hashed, MB", static_cast<double>(image.hashed) / 1e6);
  boot.guest().process->stop();
}

}  // namespace
}  // namespace sealift::pef

int main() {
  using namespace sealift::pef;
  without_tpm();
  if (kernel_for_test("vmlinux-").empty()) {
    fmt::print("UV_ESM of a real kernel: not measured, as guest/ppc64le/build-kernel did not run\n");
    return 0;
  }
  with_tpm();
}
