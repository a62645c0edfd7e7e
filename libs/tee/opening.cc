// SPDX-License-Identifier: Apache-2.0
#include "tee/opening.h"

#include <fmt/core.h>

#include <array>
#include <ranges>

namespace sealift::tee {
namespace {

constexpr std::array<std::string_view, 4> kNames{"target_found", "seal_opened", "payload_verified",
                                                 "components_verified"};

Result<esm::Seed> as_seed(SecretBytes secret) {
  if (secret.size() != esm::kSeedSize) {
    return fail(
        ErrorCode::sealed_data_refused,
        fmt::format("the sealed data hold {} bytes where a seed has {}", secret.size(), esm::kSeedSize));
  }
  return esm::Seed{std::span<std::uint8_t, esm::kSeedSize>{secret.expose_for_writing()}};
}

/// The storage keys that the operand is sealed to; the first few of many.
std::string target_names(const esm::Operand& operand) {
  constexpr std::size_t kShown = 4;
  std::string names;
  for (const auto& target : operand.targets() | std::views::take(kShown)) {
    names += names.empty() ? "" : ", ";
    names += to_hex(target.storage_key_name);
  }
  if (operand.targets().size() > kShown)
    names += fmt::format(" and {} more", operand.targets().size() - kShown);
  return names.empty() ? "no target" : names;
}

}  // namespace

std::string_view name(OpeningStep step) noexcept { return kNames.at(static_cast<std::size_t>(step)); }

Result<esm::ApprovedOperand> open_operand(const esm::Operand& operand, SealOpener& opener,
                                          const esm::Measured& measured, const OnStep& on_step) {
  return open_operand(operand, opener, [&]() -> Result<esm::Measured> { return measured; }, on_step);
}

Result<esm::ApprovedOperand> open_operand(const esm::Operand& operand, SealOpener& opener,
                                          const Measurement& measured, const OnStep& on_step) {
  const Measure measure = [&](const esm::IntegrityInformation&) { return measured(); };
  return open_operand(operand, opener, measure, on_step);
}

Result<esm::ApprovedOperand> open_operand(const esm::Operand& operand, SealOpener& opener,
                                          const Measure& measure, const OnStep& on_step) {
  const auto* const target = operand.find_target(opener.storage_key_name());
  if (target == nullptr) {
    return differs(ErrorCode::no_target_for_host,
                   fmt::format("none of the operand's {} targets is for this machine's storage key",
                               operand.targets().size()),
                   "sealed-data", to_hex(opener.storage_key_name()), target_names(operand));
  }
  on_step(OpeningStep::target_found);

  SEALIFT_TRY(auto secret, opener.open(*target));
  SEALIFT_TRY(const auto seed, as_seed(std::move(secret)));
  on_step(OpeningStep::seal_opened);

  SEALIFT_TRY(auto verified, esm::VerifiedOperand::verify(operand, seed));
  on_step(OpeningStep::payload_verified);

  SEALIFT_TRY(const auto measured, measure(verified.integrity()));
  SEALIFT_TRY(auto approved, std::move(verified).approve(measured));
  on_step(OpeningStep::components_verified);
  return approved;
}

}  // namespace sealift::tee
