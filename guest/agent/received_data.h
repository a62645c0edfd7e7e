// SPDX-License-Identifier: Apache-2.0
/// The customer data in the guest, whichever way they came.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/agent/customer_data_wire.h"

namespace sealift::guest {

/// In one locked piece of memory, wiped by wipe(). What is wrong with them says each way in its own words, so
/// nothing here gives up but for want of memory.
class ReceivedData {
 public:
  ReceivedData() = default;
  ReceivedData(const ReceivedData&) = delete;
  ReceivedData& operator=(const ReceivedData&) = delete;
  ReceivedData(ReceivedData&&) = delete;
  ReceivedData& operator=(ReceivedData&&) = delete;
  ~ReceivedData() = default;

  /// Pages of our own, locked, so that a wipe reaches the only copy there is. Once.
  std::span<std::uint8_t> allocate(std::size_t size);
  /// The entries of a message, whose header `reader` has read; `body` is in the memory that allocate() gave.
  /// False where it is malformed.
  bool add_message(WireReader& reader, std::span<const std::uint8_t> body);
  /// One more entry. False where there is no room for it.
  bool add(const WireEntry& entry);

  std::span<const WireEntry> entries() const { return {entries_.data(), count_}; }
  /// CD1's bytes; gives up where there are none.
  std::span<const std::uint8_t> root_passphrase() const;
  void wipe();

 private:
  std::array<WireEntry, kMaxEntries> entries_{};
  std::size_t count_ = 0;
  std::span<std::uint8_t> memory_;
};

}  // namespace sealift::guest
