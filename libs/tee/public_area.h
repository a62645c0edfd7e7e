// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tee: where two public areas differ first.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sealift::tee {

struct AreaDifference {
  enum class Kind : std::uint8_t { algorithm, attribute, policy };
  Kind kind;
  std::string field;    ///< TCG's name: "nameAlg", "fixedTPM", "authPolicy"
  std::string message;  ///< "fixedTPM is clear and must be set"
  std::string expected;
  std::string found;
};

/// RSA and ECC areas; the keys' own numbers (`unique`) are not compared. nullopt where all else is equal.
std::optional<AreaDifference> first_difference(const TPMT_PUBLIC& shown, const TPMT_PUBLIC& expected);

}  // namespace sealift::tee
