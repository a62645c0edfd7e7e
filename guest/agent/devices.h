// SPDX-License-Identifier: Apache-2.0
/// Devices by the names the host gave them. They appear while drivers start, so both wait a while, then give
/// up.
#pragma once

#include <cstddef>

namespace sealift::guest {

inline constexpr std::size_t kMaxDevicePath = 300;

/// "/dev/vport1p1": the virtio-serial port named kPortName.
void find_port(char (&path)[kMaxDevicePath]);
/// "/dev/vda": the virtio disk with serial number kRootDiskSerial.
void find_root_disk(char (&path)[kMaxDevicePath]);

}  // namespace sealift::guest
