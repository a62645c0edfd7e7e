// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/component.h"

#include <fmt/core.h>

namespace sealift::emulator {

std::string_view name(Component component) noexcept {
  constexpr std::array<std::string_view, kComponents.size()> kNames{
      "immutable-loader", "mutable-loader", "host-boot-loader", "init", "ext", "opal"};
  return kNames.at(static_cast<std::size_t>(component));
}

Result<Component> component_from_name(std::string_view text) {
  std::string known;
  for (const auto component : kComponents) {
    if (name(component) == text) return component;
    known += known.empty() ? "" : ", ";
    known += name(component);
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("there is no firmware component '{}'; there are {}", text, known), "component");
}

}  // namespace sealift::emulator
