// SPDX-License-Identifier: Apache-2.0
/// Customer data in the guest's own memory: where an emulated PEF ultravisor puts the message of
/// customer_data_wire.h, once, when it lets the guest enter secure mode. It names the place in the guest's
/// device tree, /chosen `sealift,customer-data` = <address size>, two u64be, and reserves the memory there.
#pragma once

#include "guest/agent/received_data.h"

namespace sealift::guest {

/// False where this machine has no such page. Gives up where its place or content makes no sense.
bool receive_from_page(ReceivedData& data);

}  // namespace sealift::guest
