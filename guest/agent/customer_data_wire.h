// SPDX-License-Identifier: Apache-2.0
/// How customer data travel from the host into the guest, once, over the virtio-serial port kPortName.
///
///   guest  the line kHello                          it listens now
///   host   one message (below)
///   guest  kAccepted or kRefused, one byte          it owns the data now, or could not read them
///   host   closes
///
/// The message, all numbers big-endian:
///   u32 magic "SLCD"   u16 version 1   u16 count   u32 length of all that follows
///   count times:  u16 name length, name   u32 length, bytes
///
/// CD1, the root disk's passphrase, is the entry named kRootPassphraseName. This header needs nothing but the
/// language, because the unlock agent is built without the C++ runtime; guest/agent/customer_data.h is the
/// comfortable side for everybody else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sealift::guest {

inline constexpr std::string_view kPortName = "org.sealift.customer-data";
inline constexpr std::string_view kHello = "sealift customer-data 1\n";
inline constexpr std::uint8_t kAccepted = 0x06;  // ASCII ACK
inline constexpr std::uint8_t kRefused = 0x15;   // ASCII NAK

/// The payload's name of CD1 in operand, message and guest.
inline constexpr std::string_view kRootPassphraseName = "root-disk-passphrase";
/// Where the guest finds CD2…: one file of mode 0400 each, named like the entry.
inline constexpr std::string_view kCustomerDataDirectory = "/run/sealift/customer-data";
/// The serial number of the virtio-blk disk that holds the encrypted root.
inline constexpr std::string_view kRootDiskSerial = "sealift-root";

inline constexpr std::uint32_t kMessageMagic = 0x534c4344;  // "SLCD"
inline constexpr std::uint16_t kMessageVersion = 1;
inline constexpr std::size_t kMessageHeaderSize = 12;
inline constexpr std::size_t kMaxEntries = 64;
inline constexpr std::size_t kMaxNameSize = 63;
inline constexpr std::size_t kMaxEntrySize = 65536;
inline constexpr std::size_t kMaxBodySize = kMaxEntries * (2 + kMaxNameSize + 4 + kMaxEntrySize);

/// A name is a file name in the guest: a letter or digit first, then letters, digits, '-', '_', '.', ',' and
/// '+', so that every attachment that svm-tools make has one.
constexpr bool is_entry_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxNameSize) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool punctuation = c == '-' || c == '_' || c == '.' || c == ',' || c == '+';
    if (!alphanumeric && (i == 0 || !punctuation)) return false;
  }
  return true;
}

struct WireEntry {
  std::string_view name;
  std::span<const std::uint8_t> bytes;
};

/// Reads a message piece by piece, copying nothing. A failed read says so for ever.
class WireReader {
 public:
  /// `header` is kMessageHeaderSize bytes. False where it is not a header of ours.
  bool read_header(std::span<const std::uint8_t> header) noexcept {
    if (header.size() != kMessageHeaderSize) return false;
    rest_ = header;
    const bool ours = number(4) == kMessageMagic && number(2) == kMessageVersion;
    count_ = number(2);
    body_size_ = number(4);
    rest_ = {};
    failed_ = !ours || count_ > kMaxEntries || body_size_ > kMaxBodySize;
    return !failed_;
  }
  std::size_t count() const noexcept { return count_; }
  std::size_t body_size() const noexcept { return body_size_; }

  /// `body` is body_size() bytes and outlives the reader.
  bool begin_body(std::span<const std::uint8_t> body) noexcept {
    failed_ = failed_ || body.size() != body_size_;
    rest_ = body;
    return !failed_;
  }
  /// The next of count() entries.
  bool next(WireEntry& entry) noexcept {
    const auto name = take(number(2), kMaxNameSize);
    const auto bytes = take(number(4), kMaxEntrySize);
    entry = {{reinterpret_cast<const char*>(name.data()), name.size()}, bytes};
    failed_ = failed_ || !is_entry_name(entry.name);
    return !failed_;
  }
  /// Everything was read, nothing is left over.
  bool finished() const noexcept { return !failed_ && rest_.empty(); }

 private:
  std::uint32_t number(std::size_t size) noexcept {
    std::uint32_t value = 0;
    for (const auto byte : take(size, size)) value = value << 8 | byte;
    return value;
  }
  std::span<const std::uint8_t> take(std::size_t size, std::size_t limit) noexcept {
    failed_ = failed_ || size > limit || size > rest_.size();
    if (failed_) return {};
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::span<const std::uint8_t> rest_;
  std::size_t count_ = 0;
  std::size_t body_size_ = 0;
  bool failed_ = false;
};

}  // namespace sealift::guest
