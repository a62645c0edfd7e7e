// SPDX-License-Identifier: Apache-2.0
/// Judged by QEMU itself: what it puts into fw_cfg for the firmware.
#include "tee/sev/vmm_kernel.h"

#include <fmt/core.h>

#include <sstream>

#include "base/file.h"
#include "base/matchers.h"
#include "base/process.h"

namespace sealift::sev {
namespace {

constexpr std::size_t kSetupSize = 1024;

void put(Bytes& bytes, std::size_t offset, std::size_t size, std::uint32_t value) {
  for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// The least that QEMU takes for a bzImage: one setup sector, boot protocol 2.15.
Bytes small_kernel(std::uint16_t xloadflags) {
  Bytes kernel(kSetupSize + 4096, 0xcc);
  std::fill_n(kernel.begin(), kSetupSize, std::uint8_t{0});
  kernel[0x1f1] = 1;
  put(kernel, 0x1fe, 2, 0xaa55);
  put(kernel, 0x202, 4, 0x53726448);
  put(kernel, 0x206, 2, 0x20f);
  kernel[0x211] = 1;
  put(kernel, 0x22c, 4, 0x7fffffff);
  put(kernel, 0x236, 2, xloadflags);
  return kernel;
}

/// fw_cfg's item "setup data" (0x18), read byte by byte over QEMU's test protocol.
Result<Bytes> setup_that_qemu_shows(const std::string& kernel, const std::string& initrd, int memory_mib) {
  Command command;
  // Its processor never starts; the last command ends it.
  command.argv = {"qemu-system-x86_64",
                  "-S",
                  "-machine",
                  "q35,accel=tcg",
                  "-m",
                  std::to_string(memory_mib),
                  "-display",
                  "none",
                  "-nodefaults",
                  "-device",
                  "isa-debug-exit,iobase=0xf4,iosize=1",
                  "-qtest",
                  "stdio",
                  "-qtest-log",
                  "none",
                  "-kernel",
                  kernel,
                  "-append",
                  "quiet"};
  if (!initrd.empty()) command.argv.insert(command.argv.end(), {"-initrd", initrd});
  std::string script = "outw 0x510 0x18\n";
  for (std::size_t i = 0; i < kSetupSize; ++i) script += "inb 0x511\n";
  script += "outb 0xf4 0x0\n";
  SEALIFT_TRY(const auto output, run(command, as_bytes(script)));
  Bytes setup;
  std::istringstream lines{output.out};
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kByte = "OK 0x";
    if (line.starts_with(kByte)) {
      setup.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(kByte.size()), nullptr, 16)));
    }
  }
  if (setup.size() != kSetupSize) return fail(ErrorCode::malformed, output.err + output.out.substr(0, 200));
  return setup;
}

struct Guest {
  const char* name;
  std::size_t initrd;
  int memory_mib;
  std::uint32_t low_memory;
  std::uint16_t xloadflags;
};
class QemusEdit : public testing::TestWithParam<Guest> {};
INSTANTIATE_TEST_SUITE_P(Guests, QemusEdit,
                         testing::Values(Guest{"WithoutInitrd", 0, 512, 512U << 20U, 3},
                                         Guest{"Small", 5000, 512, 512U << 20U, 3},
                                         Guest{"Odd", 123457, 384, 384U << 20U, 0},
                                         Guest{"Large", 4096, 3072, 0x80000000, 3},
                                         Guest{"LargeBelowTheKernelsLimit", 4096, 2560, 2560U << 20U, 0}),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST_P(QemusEdit, IsWhatQemuShowsTheFirmware) {
  const auto directory = TemporaryDirectory::create().value();
  const auto file = [&](const char* name) { return (directory.path() / name).string(); };
  const auto kernel = small_kernel(GetParam().xloadflags);
  ASSERT_THAT(write_file(file("kernel"), kernel), Succeeds());
  ASSERT_THAT(write_file(file("initrd"), Bytes(GetParam().initrd, 1)), Succeeds());
  const auto shown = setup_that_qemu_shows(file("kernel"), GetParam().initrd == 0 ? "" : file("initrd"),
                                           GetParam().memory_mib);
  ASSERT_THAT(shown, Succeeds());
  auto edited =
      kernel_as_qemu_edits(kernel, static_cast<std::uint32_t>(GetParam().initrd), GetParam().low_memory);
  EXPECT_NE(edited, kernel);
  EXPECT_TRUE(std::ranges::equal(ByteView{edited}.subspan(kSetupSize), ByteView{kernel}.subspan(kSetupSize)));
  edited.resize(kSetupSize);
  for (std::size_t i = 0; i < kSetupSize; ++i) EXPECT_EQ(edited[i], (*shown)[i]) << fmt::format("{:#x}", i);
}

TEST(KernelEdits, LeaveAloneWhatIsNoKernel) {
  for (const auto size : {0U, 512U, 0x237U, 0x238U, 4096U}) {
    EXPECT_EQ(kernel_as_qemu_edits(Bytes(size, 7), 100, 1U << 30U), Bytes(size, 7));
  }
  auto old = small_kernel(0);
  put(old, 0x206, 2, 0x201);
  EXPECT_EQ(kernel_as_qemu_edits(old, 100, 1U << 30U), old);
}

}  // namespace
}  // namespace sealift::sev
