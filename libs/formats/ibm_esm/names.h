// SPDX-License-Identifier: Apache-2.0
/// Names and sizes that blob.cc and opened.cc share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sealift::ibm_esm {

inline constexpr std::size_t kMinRsaBits = 2048;
inline constexpr std::size_t kMaxRsaBits = 4096;

/// 7 for "lockbox-7"; none for a name of another form.
std::optional<std::uint64_t> lockbox_number(std::string_view name) noexcept;

}  // namespace sealift::ibm_esm
