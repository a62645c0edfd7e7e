// SPDX-License-Identifier: Apache-2.0
/// The guest's end of an SEV launch (launch_secret_wire.h).
#pragma once

#include "guest/agent/received_data.h"

namespace sealift::guest {

/// In an initramfs that was built for SEV: where the customer data come from must not be the host's choice.
inline constexpr const char* kSevMark = "/sealift/sev";

/// Takes the launch secret from the kernel where it hands it out (efi_secret), else from the memory that the
/// firmware keeps for it; wiped where it was. Gives up where there is none, or it is malformed.
void receive_launch_secret(ReceivedData& data);

}  // namespace sealift::guest
