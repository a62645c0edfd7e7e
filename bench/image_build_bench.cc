// SPDX-License-Identifier: Apache-2.0
/// Building an image from a disk image, against the floor: SHA-512 and AES-XTS over the same bytes from
/// memory. And sealing an image with a 1 GB initramfs. Ratios of CPU time, measured in turns within one run.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/process.h"
#include "bench/measure.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "guest/image/build.h"
#include "guest/image/image.h"
#include "guest/image/luks.h"
#include "guest/image/samples_for_test.h"

namespace sealift::image {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kDiskSize = 1 << 30;
constexpr std::size_t kPieceSize = 1 << 20;
constexpr int kRounds = 7;
constexpr double kRatioGoal = 1.15;
constexpr double kMemoryGoalMib = 48;

double cpu_seconds(const rusage& used) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Cost {
  double cpu_seconds;
  long peak_kib;
};

/// Runs `work` in a child process, so that its memory is its own.
template <typename Work>
Cost measure(Work work) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child || status != 0)
    bench::give_up({ErrorCode::internal, "a step failed", {}, {}});
  return {cpu_seconds(used), used.ru_maxrss};
}

bool floor_work() {
  auto key = crypto::random_array<64>();
  crypto::XtsEncryptor cipher{key, 4096};
  crypto::Hasher hasher{crypto::HashAlgorithm::sha512};
  Bytes piece(kPieceSize, 0x5a);
  for (std::uint64_t done = 0; done < kDiskSize; done += piece.size()) {
    cipher.encrypt(piece, done);
    hasher.update(piece);
  }
  return hasher.finish().size() == 64;
}

/// An ext4 file system with what the initramfs needs, and random bytes to the end.
bool make_disk(const fs::path& directory) {
  put(directory / "root.tar", make_tar(root_tree()));
  QuietJob quiet;
  const RootFilesystemOptions options{.size = kDiskSize, .free_space = 0};
  const auto root = RootFilesystem::create(directory / "root.tar", options, directory, quiet.job());
  if (!root) return false;
  const auto out = open_file(directory / "disk.ext4", O_RDWR | O_CREAT | O_TRUNC);
  Bytes piece(kPieceSize);
  for (std::uint64_t done = 0; out && done < root->size(); done += piece.size())
    if (!pread_exact(root->fd(), piece, done) || !pwrite_all(out->get(), piece, done)) return false;
  return out.has_value();
}

BuildRequest request(const fs::path& directory) {
  BuildRequest made;
  made.root = directory / "disk.ext4";
  made.kernel.package = directory / "kernel";
  made.agent = directory / "agent";
  made.output = directory / "image";
  made.seed_file = directory / "seed";
  return made;
}

bool build_work(const fs::path& directory) {
  QuietJob quiet;
  return build_image(request(directory), quiet.job()).has_value();
}

void forget_image(const fs::path& directory) {
  fs::remove_all(directory / "image");
  fs::remove(directory / "seed");
}

esm::Target target() {
  Bytes name{0, 11};
  name.resize(34, 1);
  const auto sized = [](std::size_t size) {
    Bytes out{static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    out.resize(2 + size, 0x5a);
    return out;
  };
  return {.storage_key_name = name,
          .policy = Bytes(32, 1),
          .public_area = sized(48),
          .duplicate = sized(100),
          .seed = sized(256)};
}

/// False where a step failed; a goal that was missed shows in the line.
bool bench_build(const fs::path& directory) {
  std::vector<double> ratios;
  long peak = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto idle = measure([] { return true; });
    const auto floor = measure(floor_work);
    const auto build = measure([&] { return build_work(directory); });
    ratios.push_back((build.cpu_seconds - idle.cpu_seconds) / (floor.cpu_seconds - idle.cpu_seconds));
    peak = std::max(peak, build.peak_kib);
    if (round + 1 < kRounds) forget_image(directory);
  }
  bench::report(fmt::format("build an image, {} MiB: CPU / SHA-512 and AES-XTS alone", kDiskSize >> 20U),
                bench::median(ratios), bench::Goal::at_most, kRatioGoal);
  bench::report("build an image: peak memory, MiB", static_cast<double>(peak) / 1024, bench::Goal::at_most,
                kMemoryGoalMib);
  return true;
}

bool bench_seal(const fs::path& directory) {
  const auto initramfs = directory / "image" / kInitramfsFile;
  fs::resize_file(initramfs, 1ULL << 30);
  const auto change = seal_initramfs(initramfs, std::vector{target()});
  if (!change) return false;
  bench::report("seal an image with a 1 GiB initramfs: bytes written",
                static_cast<double>(change->bytes_written), bench::Goal::at_most, 65536);
  return true;
}

bool run_benches() {
  const auto directory = TemporaryDirectory::create("sealift-bench");
  if (!directory) return false;
  make_kernel_tree(directory->path() / "kernel", "6.1.0-1-bench");
  put(directory->path() / "agent", make_elf({.interpreter = "", .needed = {}, .modinfo = {}}));
  if (measure([&] { return make_disk(directory->path()); }).peak_kib == 0) return false;
  return bench_build(directory->path()) && bench_seal(directory->path());
}

}  // namespace
}  // namespace sealift::image

int main() { return sealift::image::run_benches() ? 0 : 1; }
