// SPDX-License-Identifier: Apache-2.0
/// The guest's end of the customer data port (customer_data_wire.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/agent/customer_data_wire.h"

namespace sealift::guest {

/// Customer data in one locked piece of memory, wiped by wipe().
class ReceivedData {
 public:
  /// Waits for the port and the host, reads the message, acknowledges it.
  ReceivedData();
  ReceivedData(const ReceivedData&) = delete;
  ReceivedData& operator=(const ReceivedData&) = delete;

  std::span<const WireEntry> entries() const { return {entries_.data(), count_}; }
  /// CD1's bytes; gives up where the host sent none.
  std::span<const std::uint8_t> root_passphrase() const;
  void wipe();

 private:
  void read_from(int port);

  std::array<WireEntry, kMaxEntries> entries_{};
  std::size_t count_ = 0;
  std::span<std::uint8_t> body_;
};

}  // namespace sealift::guest
