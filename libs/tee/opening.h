// SPDX-License-Identifier: Apache-2.0
/// What happens between "here is an operand" and "this is an SVM" (design section 7): the same for the
/// ultravisor of a measured host and for the one of PEF.
///
/// The order is fixed: the target for this machine's storage key, its seal, the HMAC, the integrity
/// information, every component. The first refusal ends it, and nothing of seed or keys remains.
#pragma once

#include <functional>
#include <string_view>

#include "formats/esm/verify.h"

namespace sealift::tee {

/// A machine that can open what was sealed to its storage key. One per kind of TPM access.
class SealOpener {
 public:
  virtual ~SealOpener() = default;
  /// The TPM Name of the storage key.
  virtual ByteView storage_key_name() const = 0;
  /// The seed in `target`. pcr_differs, boot_password_refused, sealed_data_refused, tpm_unavailable, ….
  virtual Result<SecretBytes> open(const esm::Target& target) = 0;
};

enum class OpeningStep : std::uint8_t { target_found, seal_opened, payload_verified, components_verified };
/// "target_found".
std::string_view name(OpeningStep step) noexcept;

/// Called after each step that went well.
using OnStep = std::function<void(OpeningStep)>;

/// The components as they will run; asked for when all else is well, so that it may be measured meanwhile.
using Measurement = std::function<Result<esm::Measured>()>;
/// The same where it must know what is expected: a kernel in memory has no end of its own.
using Measure = std::function<Result<esm::Measured>(const esm::IntegrityInformation&)>;

/// Approves what `measured` describes, or refuses with the first thing that is wrong.
Result<esm::ApprovedOperand> open_operand(const esm::Operand& operand, SealOpener& opener,
                                          const Measure& measure, const OnStep& on_step);
Result<esm::ApprovedOperand> open_operand(const esm::Operand& operand, SealOpener& opener,
                                          const Measurement& measured, const OnStep& on_step);
Result<esm::ApprovedOperand> open_operand(const esm::Operand& operand, SealOpener& opener,
                                          const esm::Measured& measured, const OnStep& on_step);

}  // namespace sealift::tee
