// SPDX-License-Identifier: Apache-2.0
/// What launches on every kind of host have in common.
#pragma once

#include <vector>

#include "formats/esm/operand.h"
#include "services/ultravisor/api/messages.h"
#include "services/ultravisor/domain/kept_components.h"

namespace sealift::ultravisor {

/// Kernel and initramfs as they will run.
struct Components {
  PinnedFile kernel;
  PinnedFile initramfs;
};

/// Of a launch's files; the initramfs with the head in front where that comes apart.
Result<Components> pin_components(const LaunchFiles& files, KeptComponents& kept);

/// The customer data as the one message for the guest; they exist nowhere else afterwards.
Result<SecretBytes> message_for_guest(std::vector<esm::CustomerData> customer_data);

}  // namespace sealift::ultravisor
