// SPDX-License-Identifier: Apache-2.0
/// The guest's end of the customer data port (customer_data_wire.h).
#pragma once

#include "guest/agent/received_data.h"

namespace sealift::guest {

/// Waits for the port and the host, reads the message, acknowledges it.
void receive_from_host(ReceivedData& data);

}  // namespace sealift::guest
