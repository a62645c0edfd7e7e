// SPDX-License-Identifier: Apache-2.0
/// A file that only one at a time writes, and that may get another name when it is whole.
#pragma once

#include <filesystem>

#include "base/file.h"

namespace sealift::objects {

enum class Locking { wait, give_up };

/// Opened with O_NOFOLLOW and `flags`, locked, and still the file of that name once the lock is held.
/// not_found: there is none (any more). conflict: `give_up`, and somebody else has it.
Result<UniqueFd> open_locked(const std::filesystem::path& path, int flags, Locking locking);
/// What was renamed in it, or into it, stays so.
Status sync_directory(const std::filesystem::path& directory);

}  // namespace sealift::objects
