// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/launch_digest.h"

#include <cassert>

#include "tee/sev/guid.h"

namespace sealift::sev {
namespace {

using crypto::HashAlgorithm;

// QEMU target/i386/sev.c, OVMF OvmfPkg/AmdSev/BlobVerifierLibSevHashes.
constexpr std::string_view kTableGuid = "9438d606-4f22-4cc9-b479-a793d411fd21";
constexpr std::string_view kCmdlineGuid = "97d02dd8-bd20-4c94-aa78-e7714d36ab2a";
constexpr std::string_view kInitrdGuid = "44baf731-3a2f-4bd7-9af1-41e29169781d";
constexpr std::string_view kKernelGuid = "4de79437-abd2-427f-b835-d5b172d2045b";
constexpr std::uint16_t kEntrySize = Guid::kSize + 2 + 32;
constexpr std::uint16_t kTableSize = Guid::kSize + 2 + 3 * kEntrySize;
static_assert(kTableSize == 168 && (kTableSize + 15) / 16 * 16 == kHashTableSize);

void write_entry(ByteWriter& out, std::string_view guid, const crypto::Digest& hash) {
  out.bytes(Guid::parse(guid)->in_memory()).le16(kEntrySize).bytes(hash.view());
}

}  // namespace

crypto::Digest hash_cmdline(std::string_view cmdline) {
  constexpr std::array<std::uint8_t, 1> kNul{0};
  return crypto::digest(HashAlgorithm::sha256, {as_bytes(cmdline), kNul});
}

KernelHashes hash_kernel(ByteView kernel, ByteView initrd, std::string_view cmdline) {
  return {crypto::digest(HashAlgorithm::sha256, kernel), crypto::digest(HashAlgorithm::sha256, initrd),
          hash_cmdline(cmdline)};
}

Bytes hash_table(const KernelHashes& hashes) {
  ByteWriter out;
  out.bytes(Guid::parse(kTableGuid)->in_memory()).le16(kTableSize);
  write_entry(out, kCmdlineGuid, hashes.cmdline);
  write_entry(out, kInitrdGuid, hashes.initrd);
  write_entry(out, kKernelGuid, hashes.kernel);
  auto table = std::move(out).take();
  table.resize(kHashTableSize);
  return table;
}

void add_hash_table(crypto::Hasher& hasher, const KernelHashes& hashes) { hasher.update(hash_table(hashes)); }

void add_vmsa(crypto::Hasher& hasher, const VmsaPages& vmsa) {
  if (vmsa.first.empty() || vmsa.vcpus == 0) return;
  assert(vmsa.first.size() == kVmsaSize && (vmsa.vcpus == 1 || vmsa.others.size() == kVmsaSize));
  hasher.update(vmsa.first);
  for (std::uint32_t i = 1; i < vmsa.vcpus; ++i) hasher.update(vmsa.others);
}

crypto::Digest launch_digest(ByteView firmware, const std::optional<KernelHashes>& kernel,
                             const VmsaPages& vmsa) {
  crypto::Hasher hasher{HashAlgorithm::sha256};
  hasher.update(firmware);
  if (kernel) add_hash_table(hasher, *kernel);
  add_vmsa(hasher, vmsa);
  return hasher.finish();
}

}  // namespace sealift::sev
