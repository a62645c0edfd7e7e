// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/launch_parts.h"

#include <array>
#include <future>

#include "guest/agent/customer_data.h"

namespace sealift::ultravisor {
namespace {

constexpr std::uint64_t kMaxKernel = 256ULL << 20U;
constexpr std::uint64_t kMaxInitramfs = 8ULL << 30U;

}  // namespace

Result<Components> pin_components(const LaunchFiles& files, KeptComponents& kept) {
  auto pinning = std::async(std::launch::async, [&files, &kept] {
    return kept.pin(std::array{files.kernel.get()}, kMaxKernel, "kernel");
  });
  std::vector<int> parts{files.initramfs.get()};
  if (files.initramfs_head) parts.insert(parts.begin(), files.initramfs_head.get());
  auto initramfs = kept.pin(parts, kMaxInitramfs, "initramfs");
  SEALIFT_TRY(auto kernel, pinning.get());
  if (!initramfs) return tl::unexpected(std::move(initramfs).error());
  return Components{std::move(kernel), *std::move(initramfs)};
}

Result<SecretBytes> message_for_guest(std::vector<esm::CustomerData> customer_data) {
  std::vector<guest::CustomerData> entries;
  entries.reserve(customer_data.size());
  for (auto& entry : customer_data) entries.push_back({entry.name, std::move(entry.value)});
  return guest::encode_customer_data(entries);
}

}  // namespace sealift::ultravisor
