// SPDX-License-Identifier: Apache-2.0
/// For tests and benchmarks: a real kernel under QEMU, up to the ultracall by which it asks for secure mode.
#pragma once

#include <optional>

#include "base/file.h"
#include "emulator/pef/gdb/ultracall.h"
#include "emulator/pef/qemu.h"

namespace sealift::pef {

/// What guest/ppc64le/build-kernel made whose name begins so: "vmlinux-", "zImage-". Empty where it did not
/// run.
std::filesystem::path kernel_for_test(const std::string& prefix);
/// An initramfs behind its head: the unlock agent in the file `agent`, which loads no modules.
Result<Bytes> initramfs_body_for_test(const std::filesystem::path& agent);

class BootForTest {
 public:
  static Result<BootForTest> create();
  /// Starts a guest, and lets it run until it asks.
  Status until_it_asks(const Bytes& kernel, const Bytes& initramfs, std::string_view cmdline,
                       std::chrono::seconds limit);

  PausedGuest& guest() { return *guest_; }
  UltracallTrap& trap() { return *trap_; }
  const EsmCall& call() const { return call_; }
  std::string console() const;

 private:
  explicit BootForTest(TemporaryDirectory directory) : directory_{std::move(directory)} {}
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  TemporaryDirectory directory_;
  std::optional<PausedGuest> guest_;
  std::optional<UltracallTrap> trap_;
  EsmCall call_;
};

}  // namespace sealift::pef
