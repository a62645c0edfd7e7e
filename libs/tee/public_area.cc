// SPDX-License-Identifier: Apache-2.0
#include "tee/public_area.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace sealift::tee {
namespace {

using Kind = AreaDifference::Kind;

struct Attribute {
  TPMA_OBJECT mask;
  std::string_view name;
};
/// TPMA_OBJECT (Part 2, table 33), in the order of the bits.
constexpr std::array kAttributes{
    Attribute{TPMA_OBJECT_FIXEDTPM, "fixedTPM"},
    Attribute{TPMA_OBJECT_STCLEAR, "stClear"},
    Attribute{TPMA_OBJECT_FIXEDPARENT, "fixedParent"},
    Attribute{TPMA_OBJECT_SENSITIVEDATAORIGIN, "sensitiveDataOrigin"},
    Attribute{TPMA_OBJECT_USERWITHAUTH, "userWithAuth"},
    Attribute{TPMA_OBJECT_ADMINWITHPOLICY, "adminWithPolicy"},
    Attribute{TPMA_OBJECT_NODA, "noDA"},
    Attribute{TPMA_OBJECT_ENCRYPTEDDUPLICATION, "encryptedDuplication"},
    Attribute{TPMA_OBJECT_RESTRICTED, "restricted"},
    Attribute{TPMA_OBJECT_DECRYPT, "decrypt"},
    Attribute{TPMA_OBJECT_SIGN_ENCRYPT, "sign"},
    Attribute{1U << 19U, "x509sign"},
};

using Difference = std::optional<AreaDifference>;

Difference number(std::string_view field, std::uint32_t shown, std::uint32_t expected) {
  if (shown == expected) return {};
  return AreaDifference{Kind::algorithm, std::string{field},
                        fmt::format("{} is {:#x} and must be {:#x}", field, shown, expected),
                        fmt::format("{:#x}", expected), fmt::format("{:#x}", shown)};
}

/// The first of several that is one.
template <typename... Differences>
Difference first_of(Differences... differences) {
  for (auto& each : {differences...}) {
    if (each) return each;
  }
  return {};
}

Difference symmetric(const TPMT_SYM_DEF_OBJECT& shown, const TPMT_SYM_DEF_OBJECT& expected) {
  auto difference = number("symmetric", shown.algorithm, expected.algorithm);
  if (difference || shown.algorithm == TPM2_ALG_NULL) return difference;
  return first_of(number("symmetric", shown.keyBits.sym, expected.keyBits.sym),
                  number("symmetric", shown.mode.sym, expected.mode.sym));
}

Difference rsa(const TPMS_RSA_PARMS& shown, const TPMS_RSA_PARMS& expected) {
  // 0 stands for 65537 (Part 2, 12.2.3.5); both forms are the same key, but not the same Name.
  return first_of(number("keyBits", shown.keyBits, expected.keyBits),
                  number("exponent", shown.exponent, expected.exponent),
                  symmetric(shown.symmetric, expected.symmetric),
                  number("scheme", shown.scheme.scheme, expected.scheme.scheme));
}

Difference ecc(const TPMS_ECC_PARMS& shown, const TPMS_ECC_PARMS& expected) {
  return first_of(number("curveID", shown.curveID, expected.curveID),
                  symmetric(shown.symmetric, expected.symmetric),
                  number("scheme", shown.scheme.scheme, expected.scheme.scheme),
                  number("kdf", shown.kdf.scheme, expected.kdf.scheme));
}

Difference attributes(TPMA_OBJECT shown, TPMA_OBJECT expected) {
  for (const auto& [mask, name] : kAttributes) {
    if ((shown & mask) == (expected & mask)) continue;
    const auto* const must_be = (expected & mask) != 0 ? "set" : "clear";
    const auto* const is = (shown & mask) != 0 ? "set" : "clear";
    return AreaDifference{Kind::attribute, std::string{name},
                          fmt::format("{} is {} and must be {}", name, is, must_be), must_be, is};
  }
  if (shown == expected) return {};
  return AreaDifference{Kind::attribute, "reserved",
                        fmt::format("reserved attribute bits are set: {:#x}", shown),
                        fmt::format("{:#x}", expected), fmt::format("{:#x}", shown)};
}

Difference policy(const TPM2B_DIGEST& shown, const TPM2B_DIGEST& expected) {
  const auto view = [](const TPM2B_DIGEST& digest) { return std::span{digest.buffer, digest.size}; };
  if (std::ranges::equal(view(shown), view(expected))) return {};
  return AreaDifference{Kind::policy, "authPolicy", "authPolicy is another one", to_hex(view(expected)),
                        to_hex(view(shown))};
}

}  // namespace

std::optional<AreaDifference> first_difference(const TPMT_PUBLIC& shown, const TPMT_PUBLIC& expected) {
  if (auto type = number("type", shown.type, expected.type)) return type;
  return first_of(number("nameAlg", shown.nameAlg, expected.nameAlg),
                  shown.type == TPM2_ALG_RSA ? rsa(shown.parameters.rsaDetail, expected.parameters.rsaDetail)
                                             : ecc(shown.parameters.eccDetail, expected.parameters.eccDetail),
                  attributes(shown.objectAttributes, expected.objectAttributes),
                  policy(shown.authPolicy, expected.authPolicy));
}

}  // namespace sealift::tee
