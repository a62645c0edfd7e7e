// SPDX-License-Identifier: Apache-2.0
/// What a storage key is bound to beside the boot password: the PCR values that were approved of, or whatever
/// state an approver signs.
#pragma once

#include <memory>
#include <variant>

#include "tpm/approval.h"

namespace sealift::tpm {

/// Immutable; copies share.
class Binding {
 public:
  Binding(PcrValues values)  // NOLINT(google-explicit-constructor): values are a binding
      : bound_to_{std::make_shared<const BoundTo>(std::move(values))} {}
  Binding(Approver approver)  // NOLINT(google-explicit-constructor): so is an approver
      : bound_to_{std::make_shared<const BoundTo>(std::move(approver))} {}

  /// One of the two; the other is null.
  const PcrValues* values() const noexcept { return std::get_if<PcrValues>(bound_to_.get()); }
  const Approver* approver() const noexcept { return std::get_if<Approver>(bound_to_.get()); }

  /// Of what is sealed for the same states.
  Digest sealing_policy() const;
  TPMT_PUBLIC storage_key_template(const Profile& profile, KeyKind kind) const;
  /// "sha256:6=HEX", or "approver HEX" with the SHA-256 of the key, for people.
  std::string text() const;
  bool operator==(const Binding& other) const noexcept { return *bound_to_ == *other.bound_to_; }

 private:
  using BoundTo = std::variant<PcrValues, Approver>;
  std::shared_ptr<const BoundTo> bound_to_;
};

}  // namespace sealift::tpm
