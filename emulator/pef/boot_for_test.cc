// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/boot_for_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/process.h"
#include "formats/cpio/writer.h"
#include "services/ultravisor/domain/launch_parts.h"

namespace sealift::pef {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMemoryMib = 256;
constexpr std::uint32_t kCpus = 2;
constexpr std::size_t kMaxFile = 256U << 20U;

fs::path kernels() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const auto base = cache != nullptr && *cache != '\0' ? fs::path{cache} : fs::path{home} / ".cache";
  return base / "sealift/ppc64le/kernel/boot";
}

}  // namespace

fs::path kernel_for_test(const std::string& prefix) {
  std::error_code error;
  for (const auto& file : fs::directory_iterator{kernels(), error})
    if (file.path().filename().string().starts_with(prefix)) return file.path();
  return {};
}

Result<Bytes> initramfs_body_for_test(const fs::path& agent) {
  SEALIFT_TRY(const auto program, read_file(agent, kMaxFile));
  cpio::Writer writer;
  Bytes archive;
  const auto add = [&](const Bytes& bytes) { archive.insert(archive.end(), bytes.begin(), bytes.end()); };
  SEALIFT_TRY(const auto init, writer.whole({.name = "init", .mode = S_IFREG | 0755}, program));
  SEALIFT_TRY(const auto directory, writer.whole({.name = "sealift", .mode = S_IFDIR | 0755}));
  SEALIFT_TRY(const auto modules, writer.whole({.name = "sealift/modules", .mode = S_IFREG | 0644}));
  for (const auto* part : {&init, &directory, &modules}) add(*part);
  add(writer.finish());
  return archive;
}

Result<BootForTest> BootForTest::create() {
  SEALIFT_TRY(auto directory, TemporaryDirectory::create());
  BootForTest boot{std::move(directory)};
  SEALIFT_CHECK(write_file(boot.path("disk"), Bytes(1U << 20U)));
  SEALIFT_TRY(const auto made,
              run_checked({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", boot.path("overlay"), "1M"}}));
  return boot;
}

Status BootForTest::until_it_asks(const Bytes& kernel, const Bytes& initramfs, std::string_view cmdline,
                                  std::chrono::seconds limit) {
  SEALIFT_CHECK(write_file(path("kernel"), kernel));
  SEALIFT_CHECK(write_file(path("initramfs"), initramfs));
  ultravisor::LaunchFiles files;
  SEALIFT_TRY(files.kernel, open_file(path("kernel"), O_RDONLY));
  SEALIFT_TRY(files.initramfs, open_file(path("initramfs"), O_RDONLY));
  ultravisor::KeptComponents none{0};
  SEALIFT_TRY(const auto components, ultravisor::pin_components(files, none));
  SEALIFT_TRY(const auto disk, open_file(path("disk"), O_RDONLY));
  SEALIFT_TRY(const auto overlay, open_file(path("overlay"), O_RDWR));
  SEALIFT_TRY(const auto said, open_file(path("console"), O_RDWR | O_CREAT, 0600));
  SEALIFT_TRY(auto started,
              start_paused({}, {"boot-test", components.kernel, components.initramfs, std::string{cmdline},
                                kMemoryMib, kCpus, disk.get(), overlay.get(), said.get()}));
  guest_.emplace(std::move(started));
  SEALIFT_TRY(auto trap, UltracallTrap::set(std::move(guest_->gdb)));
  trap_.emplace(std::move(trap));
  SEALIFT_TRY(call_, trap_->await_esm(GdbClient::Clock::now() + limit));
  return {};
}

std::string BootForTest::console() const {
  const auto text = read_file(path("console"), kMaxFile);
  return text ? std::string{as_text(*text)} : std::string{};
}

}  // namespace sealift::pef
