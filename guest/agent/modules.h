// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sealift::guest {

/// Lists the modules of the initramfs in load order, a path per line; a '?' in front marks one that may fail.
inline constexpr const char* kModuleList = "/sealift/modules";

void load_modules();

}  // namespace sealift::guest
