// SPDX-License-Identifier: Apache-2.0
/// The slots that a launch's image has for hosts before any of them is asked (adr/0026).
#pragma once

#include <map>

#include "services/orchestrator/domain/launch.h"
#include "services/orchestrator/domain/ports.h"

namespace sealift::orchestrator {

class SealedAhead {
 public:
  /// Of the heads that can be read: for a host that is in none of them the security module is asked, as for
  /// an image that was not sealed ahead.
  static SealedAhead read(const Launch& launch, Objects& objects);

  bool empty() const { return slots_.empty(); }
  /// Null where it has none. What a host says of its storage key is believed: of somebody else's slot it has
  /// no use.
  const v1::SealedData* slot_of(const store::HostRecord& host) const;

 private:
  void add(const Bytes& head);
  std::map<Bytes, v1::SealedData> slots_;
};

}  // namespace sealift::orchestrator
