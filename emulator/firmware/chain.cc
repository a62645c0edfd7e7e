// SPDX-License-Identifier: Apache-2.0
#include "emulator/firmware/chain.h"

#include <fmt/core.h>

#include <span>

namespace sealift::emulator {
namespace {

/// What is measured before the later stages are verified; the rest follows them.
constexpr std::size_t kEarlyEvents = 3;
/// Verified by hardware and immutable loader; the others by the verification code.
constexpr std::size_t kEarlyStages = 2;

Result<Container> load(const Flash& flash, Component component) {
  auto container = Container::parse(part(flash, component));
  if (container) return container;
  return fail(ErrorCode::firmware_signature_invalid,
              fmt::format("firmware component {}: {}", name(component), container.error().message),
              std::string{name(component)});
}

Status start_stages(const Flash& flash, const Chip& chip, std::span<const Component> stages) {
  for (const auto component : stages) {
    SEALIFT_TRY(const auto container, load(flash, component));
    if (chip.secure_boot_jumper)
      SEALIFT_CHECK(verify_container(container, component, chip.hardware_key_hash));
  }
  return {};
}

Status measure_all(std::span<const tpm::MeasuredEvent> events, const Measure& measure) {
  for (const auto& event : events) SEALIFT_CHECK(measure(event));
  return {};
}

}  // namespace

Result<tpm::FirmwareInputs> firmware_inputs(const Flash& flash, const Chip& chip) {
  SEALIFT_TRY(const auto loader, load(flash, Component::mutable_loader));
  return tpm::FirmwareInputs{chip.hardware_key_hash, chip.secure_boot_jumper,
                             crypto::digest(crypto::HashAlgorithm::sha512, loader.payload), chip.pef_enabled};
}

Status run_firmware(const Flash& flash, const Chip& chip, const Measure& measure) {
  const std::span stages{kComponents};
  SEALIFT_CHECK(start_stages(flash, chip, stages.first(kEarlyStages)));
  SEALIFT_TRY(const auto inputs, firmware_inputs(flash, chip));
  const auto events = tpm::firmware_events(inputs);
  SEALIFT_CHECK(measure_all(std::span{events}.first(kEarlyEvents), measure));
  SEALIFT_CHECK(start_stages(flash, chip, stages.subspan(kEarlyStages)));
  return measure_all(std::span{events}.subspan(kEarlyEvents), measure);
}

}  // namespace sealift::emulator
