// SPDX-License-Identifier: Apache-2.0
/// How customer data come into an SEV guest: as the launch secret, which its owner encrypted to this one
/// launch and the PSP wrote into memory that the firmware keeps for it.
///
///   table   GUID 1e74f542-…, u32 length of all, then entries: GUID, u32 length of the entry, bytes
///   CD1     the entry kDiskKeyGuid, which other tools know as the LUKS key
///   CD2…    the entry kCustomerDataGuid: one message as customer_data_wire.h has it
///
/// Where that memory is says the firmware in a table at its end (OVMF's ResetVector): the last entry first,
/// each as bytes, u16 length of the entry, GUID; the table itself is its own first entry, 32 bytes before the
/// end.
///
/// All numbers are little-endian, GUIDs as EFI stores them. This header needs nothing but the language, as
/// customer_data_wire.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sealift::guest {

using Guid = std::array<std::uint8_t, 16>;

// 1e74f542-71dd-4d66-963e-ef4287ff173b
inline constexpr Guid kSecretTableGuid{0x42, 0xf5, 0x74, 0x1e, 0xdd, 0x71, 0x66, 0x4d,
                                       0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b};
// 736869e5-84f0-4973-92ec-06879ce3da0b
inline constexpr Guid kDiskKeyGuid{0xe5, 0x69, 0x68, 0x73, 0xf0, 0x84, 0x73, 0x49,
                                   0x92, 0xec, 0x06, 0x87, 0x9c, 0xe3, 0xda, 0x0b};
// 40dbf8ec-a6a0-431c-b67b-c1253b583b46
inline constexpr Guid kCustomerDataGuid{0xec, 0xf8, 0xdb, 0x40, 0xa0, 0xa6, 0x1c, 0x43,
                                        0xb6, 0x7b, 0xc1, 0x25, 0x3b, 0x58, 0x3b, 0x46};
// 96b582de-1fb2-45f7-baea-a366c55a082d
inline constexpr Guid kFirmwareTableGuid{0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                         0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
// 4c2eb361-7d9b-4cc3-8081-127c90d3d294
inline constexpr Guid kSecretAreaGuid{0x61, 0xb3, 0x2e, 0x4c, 0x9b, 0x7d, 0xc3, 0x4c,
                                      0x80, 0x81, 0x12, 0x7c, 0x90, 0xd3, 0xd2, 0x94};

inline constexpr std::size_t kSecretHeadSize = 20;  // GUID and length, of the table and of an entry
/// What OvmfPkg/AmdSev keeps, PcdSevLaunchSecretSize.
inline constexpr std::size_t kSecretAreaSize = 0xC00;
inline constexpr std::size_t kMaxSecretAreaSize = 0x4000;  // one packet's limit (AMD 55766, 6.6)

inline std::uint32_t little_endian(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | bytes[i - 1];
  return value;
}
inline bool is_guid(std::span<const std::uint8_t> bytes, const Guid& guid) noexcept {
  return std::equal(bytes.begin(), bytes.end(), guid.begin(), guid.end());
}

struct SecretEntry {
  std::span<const std::uint8_t> guid;
  std::span<const std::uint8_t> bytes;
};

/// Reads a table entry by entry, copying nothing. A failed read says so for ever.
class SecretTableReader {
 public:
  /// `area` is what the firmware keeps; behind the table it may hold anything. False where no table begins
  /// it.
  bool begin(std::span<const std::uint8_t> area) noexcept {
    failed_ = area.size() < kSecretHeadSize || !is_guid(area.first(16), kSecretTableGuid);
    if (failed_) return false;
    const std::size_t size = little_endian(area.subspan(16, 4));
    failed_ = size < kSecretHeadSize || size > area.size();
    if (!failed_) rest_ = area.first(size).subspan(kSecretHeadSize);
    return !failed_;
  }
  /// Behind the entries there may be zeros, which some tools count into the table's length.
  bool at_end() const noexcept {
    return !failed_ && std::all_of(rest_.begin(), rest_.end(), [](std::uint8_t byte) { return byte == 0; });
  }
  bool next(SecretEntry& entry) noexcept {
    failed_ = failed_ || rest_.size() < kSecretHeadSize;
    if (failed_) return false;
    const std::size_t size = little_endian(rest_.subspan(16, 4));
    failed_ = size < kSecretHeadSize || size > rest_.size();
    if (failed_) return false;
    entry = {rest_.first(16), rest_.first(size).subspan(kSecretHeadSize)};
    rest_ = rest_.subspan(size);
    return true;
  }

 private:
  std::span<const std::uint8_t> rest_;
  bool failed_ = true;
};

/// The bytes of the one entry with this GUID; empty where there is none, or more than one, or anything in
/// `area` is not as it should be: which of two counts is a matter of taste.
inline std::span<const std::uint8_t> find_secret(std::span<const std::uint8_t> area,
                                                 const Guid& guid) noexcept {
  SecretTableReader table;
  SecretEntry entry;
  std::span<const std::uint8_t> found;
  int count = 0;
  if (!table.begin(area)) return {};
  while (!table.at_end()) {
    if (!table.next(entry)) return {};
    if (!is_guid(entry.guid, guid)) continue;
    found = entry.bytes;
    ++count;
  }
  return count == 1 ? found : std::span<const std::uint8_t>{};
}

struct SecretArea {
  std::uint32_t base = 0;  ///< physical address
  std::uint32_t size = 0;
};

/// From `firmware`, whose last byte is the firmware's last. False where its table is missing, broken, or
/// names no area of a sensible size.
inline bool find_secret_area(std::span<const std::uint8_t> firmware, SecretArea& area) noexcept {
  constexpr std::size_t kBehindTable = 32;
  constexpr std::size_t kTail = 18;  // of every entry: u16 length, GUID
  if (firmware.size() < kBehindTable + kTail) return false;
  const auto table = firmware.first(firmware.size() - kBehindTable);
  if (!is_guid(table.last(16), kFirmwareTableGuid)) return false;
  const std::size_t size = little_endian(table.last(kTail).first(2));
  if (size < kTail || size > table.size()) return false;
  auto rest = table.last(size).first(size - kTail);
  int count = 0;
  while (!rest.empty()) {
    if (rest.size() < kTail) return false;
    const std::size_t length = little_endian(rest.last(kTail).first(2));
    if (length < kTail || length > rest.size()) return false;
    const auto entry = rest.last(length);
    rest = rest.first(rest.size() - length);
    if (!is_guid(entry.last(16), kSecretAreaGuid)) continue;
    if (length != kTail + 8) return false;
    area = {little_endian(entry.first(4)), little_endian(entry.subspan(4, 4))};
    ++count;
  }
  return count == 1 && area.base != 0 && area.size >= kSecretHeadSize && area.size <= kMaxSecretAreaSize;
}

}  // namespace sealift::guest
