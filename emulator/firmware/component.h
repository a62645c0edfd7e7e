// SPDX-License-Identifier: Apache-2.0
/// The stages of the emulated machine's firmware, in the order in which they get control (design, Fig. 7A).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sealift::emulator {

enum class Component : std::uint8_t { immutable_loader, mutable_loader, host_boot_loader, init, ext, opal };

/// Boot order.
inline constexpr std::array kComponents{Component::immutable_loader,
                                        Component::mutable_loader,
                                        Component::host_boot_loader,
                                        Component::init,
                                        Component::ext,
                                        Component::opal};

/// "immutable-loader", …, "opal": the name in messages, in containers and of the file in the flash.
std::string_view name(Component component) noexcept;
/// invalid_argument, with all names in the message, for any other text.
Result<Component> component_from_name(std::string_view text);

}  // namespace sealift::emulator
