// SPDX-License-Identifier: Apache-2.0
/// The command line of an SEV guest, as somebody with AMD hardware types it for QEMU, and what becomes of it
/// under TCG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tee/sev/policy.h"

namespace sealift::emulator {

/// -object sev-guest
struct SevObject {
  sev::Policy policy{1};  // QEMU's own default
  std::filesystem::path godh;
  std::filesystem::path session;
  bool kernel_hashes = false;
};

struct Vm {
  std::optional<SevObject> sev;  ///< none for a QEMU that is only asked what the machine can do
  std::filesystem::path firmware;
  std::filesystem::path kernel;
  std::filesystem::path initrd;
  std::string cmdline;
  std::string cpu;  ///< the model's name
  std::uint32_t vcpus = 1;
  std::uint64_t memory = 128ULL << 20U;  // QEMU's own default
  std::filesystem::path qmp;
  bool paused = false;                ///< -S
  std::vector<std::string> passed{};  ///< what QEMU gets as it is
};

/// Only the forms that a launch with a secret needs: -S, -bios, -kernel, -qmp unix:PATH,server=on,wait=off;
/// two ways to say the same would be two ways to measure it. invalid_argument or unsupported at the option.
Result<Vm> parse_vm(const std::vector<std::string>& arguments);

/// QEMU's arguments for it: its own QMP socket at `qmp`, the guest's memory at descriptor `memory_fd`.
std::vector<std::string> tcg_arguments(const Vm& vm, const std::filesystem::path& qmp, int memory_fd);

}  // namespace sealift::emulator
