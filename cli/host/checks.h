// SPDX-License-Identifier: Apache-2.0
/// What a computer still lacks to be a host: one check for each thing, with what to do about it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "tee/sev/amd_roots.h"

namespace sealift::cli {

struct HostCheck {
  std::string name;  ///< "kvm"
  bool good = false;
  std::string found;     ///< one sentence
  std::string remedy{};  ///< of what is missing
};
using HostChecks = std::vector<HostCheck>;

struct HostCheckOptions {
  std::string tcti = "device:/dev/tpmrm0";
  std::string profile = "firmware";
  std::filesystem::path ultravisor = "/run/sealift/ultravisor";
  std::string qemu;  ///< "": the usual one
  std::filesystem::path sev_firmware;
  std::filesystem::path sev_key_server;
  std::vector<sev::PinnedRoot> sev_roots;
  std::filesystem::path emulated_psp;  ///< in place of KVM and /dev/sev
  std::filesystem::path system = "/";  ///< whose /dev, /sys and /proc are looked at
};

HostChecks check_measured_host(const HostCheckOptions& options);
HostChecks check_pef_host(const HostCheckOptions& options);
HostChecks check_sev_host(const HostCheckOptions& options);

}  // namespace sealift::cli
