// SPDX-License-Identifier: Apache-2.0
#include "guest/agent/received_data.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "guest/agent/console.h"

namespace sealift::guest {

std::span<std::uint8_t> ReceivedData::allocate(std::size_t size) {
  void* memory =
      mmap(nullptr, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory for the customer data", "", errno);
  memory_ = {static_cast<std::uint8_t*>(memory), size};
  return memory_;
}

bool ReceivedData::add(const WireEntry& entry) {
  if (count_ == entries_.size()) return false;
  entries_[count_++] = entry;
  return true;
}

bool ReceivedData::add_message(WireReader& reader, std::span<const std::uint8_t> body) {
  reader.begin_body(body);
  for (std::size_t i = 0; i < reader.count(); ++i) {
    WireEntry entry;
    if (!reader.next(entry) || !add(entry)) return false;
  }
  return reader.finished();
}

std::span<const std::uint8_t> ReceivedData::root_passphrase() const {
  for (const auto& entry : entries())
    if (entry.name == kRootPassphraseName) return entry.bytes;
  give_up("the customer data hold no passphrase for the root disk");
}

void ReceivedData::wipe() {
  explicit_bzero(memory_.data(), memory_.size());
  count_ = 0;
}

}  // namespace sealift::guest
