// SPDX-License-Identifier: Apache-2.0
/// For tests: firmware that is nothing but an OVMF footer.
#pragma once

#include <vector>

#include "tee/sev/guid.h"
#include "tee/sev/ovmf.h"

namespace sealift::sev {

inline constexpr std::string_view kSecretGuidForTest = "4c2eb361-7d9b-4cc3-8081-127c90d3d294";
inline constexpr std::string_view kHashTableGuidForTest = "7255371f-3a3b-4b04-927b-1da6efa8d454";
inline constexpr std::string_view kResetGuidForTest = "00f771de-1a7e-4fcb-890e-68c77e2fb44e";

struct FooterEntryForTest {
  std::string_view guid;
  Bytes data;
};

/// Zeros, the entries (the first one lowest), the footer.
inline Bytes firmware_for_test(const std::vector<FooterEntryForTest>& entries, std::size_t size = 4096) {
  ByteWriter table;
  for (const auto& entry : entries) {
    table.bytes(entry.data).le16(static_cast<std::uint16_t>(entry.data.size() + 18));
    table.bytes(Guid::parse(entry.guid)->in_memory());
  }
  table.le16(static_cast<std::uint16_t>(table.view().size() + 18));
  table.bytes(Guid::parse("96b582de-1fb2-45f7-baea-a366c55a082d")->in_memory()).bytes(Bytes(32));
  Bytes firmware(size - table.view().size());
  firmware.insert(firmware.end(), table.view().begin(), table.view().end());
  return firmware;
}

inline Bytes area_for_test(std::uint32_t base, std::uint32_t size) {
  return ByteWriter{}.le32(base).le32(size).view();
}

/// With all that SEV and SEV-ES take.
inline Bytes amd_sev_firmware_for_test() {
  return firmware_for_test({{kHashTableGuidForTest, area_for_test(0x80cc00, 0x400)},
                            {kSecretGuidForTest, area_for_test(0x80c000, 0xc00)},
                            {kResetGuidForTest, ByteWriter{}.le32(0x80b004).view()}});
}

}  // namespace sealift::sev
