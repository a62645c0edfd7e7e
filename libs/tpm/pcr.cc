// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

#include "tpm/types.h"

namespace sealift::tpm {
namespace {

constexpr std::uint8_t kSelectBytes = kPcrCount / 8;  // Part 2, TPMS_PCR_SELECTION, sizeofSelect

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "pcr");
}

/// "sha256:REST" → the bank and REST.
Result<std::pair<HashAlgorithm, std::string_view>> split_bank(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) {
    return refuse(fmt::format("'{}' names no PCR bank; write sha256:6, for example", text));
  }
  auto hash = crypto::hash_from_name(text.substr(0, colon));
  if (!hash) return refuse(fmt::format("'{}' is not a PCR bank that Sealift knows", text.substr(0, colon)));
  return std::pair{*hash, text.substr(colon + 1)};
}

Result<unsigned> parse_index(std::string_view text) {
  unsigned index = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, index);
  if (error != std::errc{} || stop != end || index >= kPcrCount) {
    return refuse(fmt::format("'{}' is not a PCR; they are 0 to {}", text, kPcrCount - 1));
  }
  return index;
}

Result<PcrBank> parse_bank(std::string_view text) {
  SEALIFT_TRY(const auto bank, split_bank(text));
  PcrBank result{.hash = bank.first, .pcrs = 0};
  for (const auto part : split(bank.second, ',')) {
    SEALIFT_TRY(const auto index, parse_index(part));
    const auto bit = 1U << index;
    if ((result.pcrs & bit) != 0) return refuse(fmt::format("PCR {} is named twice in one bank", index));
    result.pcrs |= bit;
  }
  return result;
}

Result<PcrValue> parse_value(HashAlgorithm hash, std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return refuse(fmt::format("'{}' has no value; write 6=HEX", text));
  SEALIFT_TRY(const auto index, parse_index(text.substr(0, equals)));
  const auto bytes = from_hex(text.substr(equals + 1));
  if (!bytes || bytes->size() != crypto::digest_size(hash)) {
    return refuse(
        fmt::format("the value of PCR {} is not {} bytes in hexadecimal", index, crypto::digest_size(hash)));
  }
  return PcrValue{.hash = hash, .index = index, .value = Digest{*bytes}};
}

std::string bank_text(const PcrBank& bank) {
  std::string text{crypto::name(bank.hash)};
  char separator = ':';
  for (unsigned i = 0; i < kPcrCount; ++i) {
    if ((bank.pcrs >> i & 1U) == 0) continue;
    text += fmt::format("{}{}", separator, i);
    separator = ',';
  }
  return text;
}

}  // namespace

Result<PcrSelection> PcrSelection::parse(std::string_view text) {
  std::vector<PcrBank> banks;
  for (const auto part : split(text, '+')) {
    SEALIFT_TRY(banks.emplace_back(), parse_bank(part));
  }
  return from_banks(std::move(banks));
}

Result<PcrSelection> PcrSelection::from_banks(std::vector<PcrBank> banks) {
  if (banks.empty()) return refuse("no PCR is selected");
  for (std::size_t i = 0; i < banks.size(); ++i) {
    const auto& bank = banks[i];
    if (bank.pcrs == 0 || bank.pcrs >> kPcrCount != 0) {
      return refuse(
          fmt::format("the bank {} has no PCR, or one above {}", crypto::name(bank.hash), kPcrCount - 1));
    }
    const auto same = [&](const PcrBank& other) { return other.hash == bank.hash; };
    if (std::any_of(banks.begin(), banks.begin() + static_cast<std::ptrdiff_t>(i), same)) {
      return refuse(fmt::format("the bank {} is named twice", crypto::name(bank.hash)));
    }
  }
  return PcrSelection{std::move(banks)};
}

std::string PcrSelection::text() const {
  std::string text;
  for (const auto& bank : banks_) text += (text.empty() ? "" : "+") + bank_text(bank);
  return text;
}

TPML_PCR_SELECTION PcrSelection::to_tpm() const {
  TPML_PCR_SELECTION list{};
  for (const auto& bank : banks_) {
    auto& one = list.pcrSelections[list.count++];  // NOLINT(*-constant-array-index): at most four banks
    one.hash = algorithm_id(bank.hash);
    one.sizeofSelect = kSelectBytes;
    for (std::size_t i = 0; i < kSelectBytes; ++i) {
      one.pcrSelect[i] = static_cast<std::uint8_t>(bank.pcrs >> (8 * i));  // NOLINT(*-constant-array-index)
    }
  }
  return list;
}

Bytes PcrSelection::marshalled() const {
  ByteWriter out;
  out.be32(static_cast<std::uint32_t>(banks_.size()));
  for (const auto& bank : banks_) {
    out.be16(algorithm_id(bank.hash)).u8(kSelectBytes);
    for (unsigned i = 0; i < kSelectBytes; ++i) out.u8(static_cast<std::uint8_t>(bank.pcrs >> (8 * i)));
  }
  return std::move(out).take();
}

Result<PcrValues> PcrValues::parse(std::string_view text) {
  std::vector<PcrValue> values;
  std::uint32_t seen = 0;
  for (const auto part : split(text, '+')) {
    SEALIFT_TRY(const auto bank, split_bank(part));
    const auto bit = 1U << static_cast<unsigned>(bank.first);
    if ((seen & bit) != 0) return refuse(fmt::format("the bank {} is named twice", crypto::name(bank.first)));
    seen |= bit;
    for (const auto one : split(bank.second, ',')) {
      SEALIFT_TRY(values.emplace_back(), parse_value(bank.first, one));
    }
  }
  return from_values(std::move(values));
}

Result<PcrValues> PcrValues::from_values(std::vector<PcrValue> values) {
  if (values.empty()) return refuse("no PCR value is given");
  std::vector<HashAlgorithm> order;
  for (const auto& value : values) {
    if (value.index >= kPcrCount || value.value.size() != crypto::digest_size(value.hash)) {
      return refuse(fmt::format("PCR {} does not exist, or its value is not {} bytes", value.index,
                                crypto::digest_size(value.hash)));
    }
    if (std::ranges::find(order, value.hash) == order.end()) order.push_back(value.hash);
  }
  const auto rank = [&](const PcrValue& value) {
    return std::pair{std::ranges::find(order, value.hash) - order.begin(), value.index};
  };
  std::ranges::sort(values, {}, rank);
  if (std::ranges::adjacent_find(values, {}, rank) != values.end())
    return refuse("one PCR is given twice in one bank");
  return PcrValues{std::move(values)};
}

PcrSelection PcrValues::selection() const {
  std::vector<PcrBank> banks;
  for (const auto& value : values_) {
    if (banks.empty() || banks.back().hash != value.hash) banks.push_back({.hash = value.hash, .pcrs = 0});
    banks.back().pcrs |= 1U << value.index;
  }
  return PcrSelection::from_banks(std::move(banks)).value();
}

const Digest* PcrValues::find(HashAlgorithm hash, unsigned index) const noexcept {
  for (const auto& value : values_) {
    if (value.hash == hash && value.index == index) return &value.value;
  }
  return nullptr;
}

Digest PcrValues::digest(HashAlgorithm hash) const {
  crypto::Hasher hasher{hash};
  for (const auto& value : values_) hasher.update(value.value.view());
  return hasher.finish();
}

std::string PcrValues::text() const {
  std::string text;
  const PcrValue* before = nullptr;
  for (const auto& value : values_) {
    if (before != nullptr && before->hash == value.hash) {
      text += ',';
    } else {
      text += fmt::format("{}{}:", text.empty() ? "" : "+", crypto::name(value.hash));
    }
    text += fmt::format("{}={}", value.index, to_hex(value.value.view()));
    before = &value;
  }
  return text;
}

}  // namespace sealift::tpm
