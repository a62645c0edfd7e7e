// SPDX-License-Identifier: Apache-2.0
/// Customer data into a secure guest's own memory, once. QEMU has no secure memory and later ultracalls
/// cannot be told from system calls, so this stands in for UV_ESMB_GET_FILE: the message lies in pages that
/// the guest's device tree reserves and names (guest/agent/customer_data_page.h); its unlock agent wipes
/// them.
#pragma once

#include "emulator/pef/guest/secure_mode.h"

namespace sealift::pef {

/// Writes `message` above the device tree, where nothing is, and the tree anew in its place. no_space where
/// the guest leaves no room.
Status hand_over(GuestMemory& memory, const SecureGuest& guest, const SecretBytes& message);

}  // namespace sealift::pef
