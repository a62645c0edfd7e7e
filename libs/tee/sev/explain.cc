// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/explain.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "tee/sev/vmm_kernel.h"

namespace sealift::sev {
namespace {

using crypto::Digest;
using crypto::HashAlgorithm;

constexpr std::uint32_t kMostVcpus = 128;
constexpr std::uint64_t kMib = 1024UL * 1024;

/// One thing that an input may have been; `what` is empty for what was expected.
template <typename T>
struct Suspect {
  std::string what;
  T value;
};

Digest sha256(ByteView bytes) { return crypto::digest(HashAlgorithm::sha256, bytes); }

/// Guests' memory below 4 GiB, with q35's and i440fx's limits.
std::vector<std::uint64_t> low_memory(std::optional<std::uint32_t> memory_mib) {
  std::vector<std::uint64_t> sizes;
  if (!memory_mib) {
    for (std::uint64_t mib = 128; mib <= 2048; mib += 128) sizes.push_back(mib * kMib);
    return {sizes.begin(), sizes.end()};
  }
  const auto size = *memory_mib * kMib;
  constexpr std::uint64_t kQ35Limit = 0xb0000000;
  constexpr std::uint64_t kI440fxLimit = 0xe0000000;
  sizes.push_back(size >= kQ35Limit ? 0x80000000 : size);
  sizes.push_back(size >= kI440fxLimit ? 0xc0000000 : size);
  return sizes;
}

std::vector<Suspect<Digest>> kernel_suspects(const LaunchInputs& inputs) {
  std::vector<Suspect<Digest>> all{{"", sha256(*inputs.kernel)}};
  const auto add = [&](std::uint32_t initrd_size, std::uint64_t memory) {
    const auto hash =
        sha256(kernel_as_qemu_edits(*inputs.kernel, initrd_size, static_cast<std::uint32_t>(memory)));
    if (std::ranges::find(all, hash, &Suspect<Digest>::value) != all.end()) return;
    all.push_back(
        {"the VMM edited the kernel's setup header (0x210 to 0x22b) before it was hashed; QEMU before 6.2 "
         "does, and any that does not run it as an SEV guest",
         hash});
  };
  add(0, kMib);
  if (!inputs.initrd.empty()) {
    for (const auto memory : low_memory(inputs.memory_mib)) {
      add(static_cast<std::uint32_t>(inputs.initrd.size()), memory);
    }
  }
  return all;
}

std::vector<Suspect<Digest>> initrd_suspects(const LaunchInputs& inputs) {
  std::vector<Suspect<Digest>> all{{"", sha256(inputs.initrd)}};
  if (!inputs.initrd.empty()) all.push_back({"no initrd was given, or an empty one", sha256({})});
  return all;
}

std::vector<Suspect<Digest>> cmdline_suspects(std::string_view cmdline) {
  std::vector<Suspect<Digest>> all;
  const auto add = [&](const char* what, const Digest& hash) {
    if (std::ranges::find(all, hash, &Suspect<Digest>::value) == all.end()) all.push_back({what, hash});
  };
  const std::string text{cmdline};
  add("", hash_cmdline(text));
  add("it was hashed without the NUL at its end", sha256(as_bytes(text)));
  add("it was empty", hash_cmdline(""));
  add("a newline was at its end", hash_cmdline(text + "\n"));
  add("a space was at its end", hash_cmdline(text + " "));
  add("the NUL at its end was hashed twice", hash_cmdline(text + std::string(1, '\0')));
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos) {
    add("it had no white space around it",
        hash_cmdline(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)));
  }
  return all;
}

using Table = std::optional<KernelHashes>;
struct TableSuspect {
  std::vector<Difference> differences;
  Table table;
};

std::vector<TableSuspect> table_suspects(const LaunchInputs& inputs) {
  if (!inputs.kernel) return {{{}, std::nullopt}};
  std::vector<TableSuspect> all;
  for (const auto& kernel : kernel_suspects(inputs)) {
    for (const auto& initrd : initrd_suspects(inputs)) {
      for (const auto& cmdline : cmdline_suspects(inputs.cmdline)) {
        TableSuspect suspect{{}, KernelHashes{kernel.value, initrd.value, cmdline.value}};
        if (!kernel.what.empty()) suspect.differences.push_back({"kernel", kernel.what});
        if (!initrd.what.empty()) suspect.differences.push_back({"initrd", initrd.what});
        if (!cmdline.what.empty()) suspect.differences.push_back({"cmdline", cmdline.what});
        all.push_back(std::move(suspect));
      }
    }
  }
  all.push_back(
      {{{"kernel_hashes", "no hash table was measured: the guest was launched without kernel-hashes=on"}},
       std::nullopt});
  std::vector<TableSuspect> fewest_first;
  for (std::size_t count = 0; fewest_first.size() < all.size(); ++count) {
    std::ranges::copy_if(all, std::back_inserter(fewest_first), [count](const TableSuspect& suspect) {
      return suspect.differences.size() == count;
    });
  }
  return fewest_first;
}

/// Remembers the match with the fewest differences.
class Search {
 public:
  Search(const LaunchInputs& inputs, const DigestMatches& matches) : inputs_{inputs}, matches_{matches} {}

  std::optional<std::vector<Difference>> run() {
    const auto tables = table_suspects(inputs_);
    try_firmware({}, inputs_.firmware.bytes, tables);
    for (const auto& other : inputs_.other_firmware) {
      if (best_ && best_->size() <= 1) break;
      try_firmware({{"firmware", fmt::format("it was {}", other.name)}}, other.bytes, tables);
    }
    return best_;
  }

 private:
  void try_firmware(const std::vector<Difference>& differences, ByteView firmware,
                    const std::vector<TableSuspect>& tables) {
    crypto::Hasher hasher{HashAlgorithm::sha256};
    hasher.update(firmware);
    for (const auto& suspect : tables) {
      auto with_table = hasher.fork();
      if (suspect.table) add_hash_table(with_table, *suspect.table);
      auto all = differences;
      all.insert(all.end(), suspect.differences.begin(), suspect.differences.end());
      try_vcpus(all, with_table);
      if (best_ && best_->size() <= 1) return;
    }
  }

  void try_vcpus(const std::vector<Difference>& differences, const crypto::Hasher& start) {
    const auto& vmsa = inputs_.vmsa;
    const auto expected = vmsa.first.empty() ? 0 : vmsa.vcpus;
    auto hasher = start.fork();
    for (std::uint32_t count = 0;; ++count) {
      check(differences, count, expected, hasher.fork().finish());
      if (vmsa.first.empty() || count == kMostVcpus) break;
      if (count > 0 && vmsa.others.empty()) break;
      hasher.update(count == 0 ? vmsa.first : vmsa.others);
    }
    if (expected < 2 || vmsa.others.empty()) return;
    auto alike = start.fork();
    for (std::uint32_t i = 0; i < expected; ++i) alike.update(vmsa.first);
    if (matches_(alike.finish())) {
      remember(differences, {{"vmsa", "all vCPUs had the first one's page"}});
    }
  }

  void check(const std::vector<Difference>& differences, std::uint32_t count, std::uint32_t expected,
             const Digest& digest) {
    if (!matches_(digest)) return;
    if (count == expected) return remember(differences, {});
    if (count == 0) {
      return remember(differences,
                      {{"vmsa", "no vCPU's registers were measured: the guest was launched without SEV-ES"}});
    }
    remember(differences, {{"vcpus", fmt::format("the guest has {} vCPUs, not {}", count, expected)}});
  }

  void remember(const std::vector<Difference>& differences, const std::vector<Difference>& more) {
    if (best_ && best_->size() <= differences.size() + more.size()) return;
    best_ = differences;
    best_->insert(best_->end(), more.begin(), more.end());
  }

  const LaunchInputs& inputs_;
  const DigestMatches& matches_;
  std::optional<std::vector<Difference>> best_;
};

bool gives(const MeasuredLaunch& launch, const FirmwareVersion& version, Policy policy,
           const Digest& digest) {
  const auto computed = measure(launch.tik, version, policy, digest, launch.measured.nonce);
  return constant_time_equal(computed.hmac, launch.measured.hmac);
}

std::optional<Difference> other_policy(const MeasuredLaunch& launch, const Digest& digest) {
  for (unsigned bit = 0; bit < 32; ++bit) {
    const Policy policy{launch.policy.value() ^ (1U << bit)};
    if (!gives(launch, launch.version, policy, digest)) continue;
    return Difference{"policy",
                      fmt::format("the guest's policy is {:#x} ({})", policy.value(), policy.text())};
  }
  for (const Policy policy : {Policy{0}, Policy{launch.policy.value() & 0xffffU}}) {
    if (!gives(launch, launch.version, policy, digest)) continue;
    return Difference{"policy",
                      fmt::format("the guest's policy is {:#x} ({})", policy.value(), policy.text())};
  }
  return std::nullopt;
}

std::optional<Difference> other_version(const MeasuredLaunch& launch, const Digest& digest) {
  const auto try_one = [&](const FirmwareVersion& version) {
    return gives(launch, version, launch.policy, digest);
  };
  const auto found = [](const FirmwareVersion& version) {
    return Difference{"version", fmt::format("the SEV firmware is API {}.{} build {}", version.api.major,
                                             version.api.minor, version.build)};
  };
  // Each minor version with each build: 65536 short HMACs.
  for (unsigned value = 0; value <= 0xffff; ++value) {
    const FirmwareVersion version{{launch.version.api.major, static_cast<std::uint8_t>(value >> 8U)},
                                  static_cast<std::uint8_t>(value)};
    if (try_one(version)) return found(version);
  }
  for (unsigned major = 0; major <= 0xff; ++major) {
    const FirmwareVersion version{{static_cast<std::uint8_t>(major), launch.version.api.minor},
                                  launch.version.build};
    if (try_one(version)) return found(version);
  }
  return std::nullopt;
}

}  // namespace

std::vector<SuspectDigest> suspect_digests(const LaunchInputs& inputs) {
  std::vector<SuspectDigest> all;
  crypto::Hasher firmware{HashAlgorithm::sha256};
  firmware.update(inputs.firmware.bytes);
  const auto expected = inputs.vmsa;
  for (const auto& suspect : table_suspects(inputs)) {
    if (suspect.differences.size() > 1) continue;
    auto with_table = firmware.fork();
    if (suspect.table) add_hash_table(with_table, *suspect.table);
    if (suspect.differences.size() == 1) {
      add_vmsa(with_table, expected);
      all.push_back({with_table.finish(), suspect.differences.front()});
    } else if (!expected.first.empty()) {
      all.push_back({with_table.finish(),
                     {"vmsa", "no vCPU's registers were measured: the guest was launched without SEV-ES"}});
    }
  }
  const auto table = inputs.kernel ? std::optional{hash_kernel(*inputs.kernel, inputs.initrd, inputs.cmdline)}
                                   : std::nullopt;
  for (const auto& other : inputs.other_firmware) {
    all.push_back(
        {launch_digest(other.bytes, table, expected), {"firmware", fmt::format("it was {}", other.name)}});
  }
  return all;
}

std::optional<std::vector<Difference>> explain_digest(const LaunchInputs& inputs,
                                                      const DigestMatches& matches) {
  return Search{inputs, matches}.run();
}

std::optional<std::vector<Difference>> explain_measurement(const LaunchInputs& inputs,
                                                           const MeasuredLaunch& launch) {
  auto found = explain_digest(
      inputs, [&](const Digest& digest) { return gives(launch, launch.version, launch.policy, digest); });
  if (found) return found;
  auto kernel = inputs.kernel ? std::optional{hash_kernel(*inputs.kernel, inputs.initrd, inputs.cmdline)}
                              : std::nullopt;
  const auto digest = launch_digest(inputs.firmware.bytes, kernel, inputs.vmsa);
  if (auto policy = other_policy(launch, digest)) return std::vector{*policy};
  if (auto version = other_version(launch, digest)) return std::vector{*version};
  return std::nullopt;
}

}  // namespace sealift::sev
