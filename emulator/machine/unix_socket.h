// SPDX-License-Identifier: Apache-2.0
/// Unix sockets by path.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/file.h"

namespace sealift::emulator {

/// swtpm speaks in streams, the ultravisor in packets.
enum class SocketKind : std::uint8_t { stream, packets };

/// A listening socket at `path`, in place of whatever was there.
Result<UniqueFd> listen_at(const std::filesystem::path& path, SocketKind kind);
/// unavailable or not_found where nobody listens.
Result<UniqueFd> connect_to(const std::filesystem::path& path, SocketKind kind);

}  // namespace sealift::emulator
