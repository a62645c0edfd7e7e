// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: constants that writing and parsing the event log share.
#pragma once

#include <string_view>

namespace sealift::tpm {

inline constexpr std::string_view kSpecIdSignature{"Spec ID Event03\0", 16};
inline constexpr std::string_view kStartupLocality{"StartupLocality\0", 16};
inline constexpr std::size_t kSha1Size = 20;

}  // namespace sealift::tpm
