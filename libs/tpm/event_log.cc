// SPDX-License-Identifier: Apache-2.0
#include "tpm/event_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>

#include "tpm/event_log_format.h"

namespace sealift::tpm {
namespace {

struct TypeName {
  std::uint32_t type;
  std::string_view name;
};
// PC Client Platform Firmware Profile 1.05, table 14.
constexpr std::array<TypeName, 32> kTypeNames{{
    {0x00, "EV_PREBOOT_CERT"},
    {0x01, "EV_POST_CODE"},
    {0x02, "EV_UNUSED"},
    {0x03, "EV_NO_ACTION"},
    {0x04, "EV_SEPARATOR"},
    {0x05, "EV_ACTION"},
    {0x06, "EV_EVENT_TAG"},
    {0x07, "EV_S_CRTM_CONTENTS"},
    {0x08, "EV_S_CRTM_VERSION"},
    {0x09, "EV_CPU_MICROCODE"},
    {0x0A, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0B, "EV_TABLE_OF_DEVICES"},
    {0x0C, "EV_COMPACT_HASH"},
    {0x0D, "EV_IPL"},
    {0x0E, "EV_IPL_PARTITION_DATA"},
    {0x0F, "EV_NONHOST_CODE"},
    {0x10, "EV_NONHOST_CONFIG"},
    {0x11, "EV_NONHOST_INFO"},
    {0x12, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {0x80000002, "EV_EFI_VARIABLE_BOOT"},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006, "EV_EFI_GPT_EVENT"},
    {0x80000007, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000A, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000B, "EV_EFI_HANDOFF_TABLES2"},
    {0x8000000C, "EV_EFI_VARIABLE_BOOT2"},
    {0x800000E0, "EV_EFI_VARIABLE_AUTHORITY"},
}};

/// Where PCR 0 begins, where the event tells it (clause 10.4.5.3, TCG_EfiStartupLocalityEvent).
std::optional<std::uint8_t> startup_locality(const Event& event) {
  const auto prefix = as_bytes(kStartupLocality);
  if (event.type != event_type::kNoAction || event.pcr != 0 || event.data.size() != prefix.size() + 1)
    return {};
  if (!same_bytes(ByteView{event.data}.first(prefix.size()), prefix)) return {};
  return event.data.back();
}

using Pcrs = std::map<unsigned, Digest>;

Pcrs replay_bank(const std::vector<Event>& events, std::size_t bank, HashAlgorithm hash) {
  Bytes start(crypto::digest_size(hash));
  const Digest zeros{start};
  Pcrs pcrs;
  for (const auto& event : events) {
    if (const auto locality = startup_locality(event); locality && !pcrs.contains(0)) {
      start.back() = *locality;
      pcrs.emplace(0, Digest{start});
    }
    if (event.type == event_type::kNoAction) continue;
    auto& value = pcrs.try_emplace(event.pcr, zeros).first->second;
    value = extended(hash, value, event.digests.at(bank));
  }
  return pcrs;
}

void write_header(const LogHeader& header, ByteWriter& out) {
  ByteWriter spec;
  spec.text(kSpecIdSignature).le32(header.platform_class).bytes(header.spec);
  spec.le32(static_cast<std::uint32_t>(header.banks.size()));
  for (const auto& bank : header.banks) spec.le16(bank.algorithm).le16(bank.size);
  spec.u8(static_cast<std::uint8_t>(header.vendor_info.size())).bytes(header.vendor_info);
  const std::array<std::uint8_t, kSha1Size> no_digest{};
  out.le32(0).le32(event_type::kNoAction).bytes(no_digest);
  out.le32(static_cast<std::uint32_t>(spec.view().size())).bytes(spec.view());
}

}  // namespace

std::string event_type_name(std::uint32_t type) {
  const auto* const found = std::ranges::find(kTypeNames, type, &TypeName::type);
  return found == kTypeNames.end() ? fmt::format("event type {:#x}", type) : std::string{found->name};
}

Digest extended(HashAlgorithm hash, const Digest& value, const Digest& digest) {
  return crypto::digest(hash, {value.view(), digest.view()});
}

EventLog EventLog::create(std::span<const HashAlgorithm> banks) {
  assert(!banks.empty());
  EventLog log;
  for (const auto hash : banks) {
    log.header_.banks.push_back(
        {.algorithm = algorithm_id(hash), .size = static_cast<std::uint16_t>(crypto::digest_size(hash))});
  }
  return log;
}

const Event& EventLog::append(unsigned pcr, std::uint32_t type, ByteView data, ByteView measured) {
  assert(pcr < kPcrCount && data.size() <= kEventDataLimit);
  Event event{.pcr = pcr, .type = type, .digests = {}, .data = to_bytes(data)};
  for (const auto& bank : header_.banks) {
    event.digests.push_back(type == event_type::kNoAction
                                ? Digest{Bytes(bank.size)}
                                : crypto::digest(hash_from_id(bank.algorithm).value(), measured));
  }
  return events_.emplace_back(std::move(event));
}

Bytes EventLog::bytes() const {
  ByteWriter out;
  if (form_ == LogForm::crypto_agile) write_header(header_, out);
  for (const auto& event : events_) {
    out.le32(event.pcr).le32(event.type);
    if (form_ == LogForm::crypto_agile) out.le32(static_cast<std::uint32_t>(event.digests.size()));
    for (std::size_t i = 0; i < event.digests.size(); ++i) {
      if (form_ == LogForm::crypto_agile) out.le16(header_.banks[i].algorithm);
      out.bytes(event.digests[i].view());
    }
    out.le32(static_cast<std::uint32_t>(event.data.size())).bytes(event.data);
  }
  return std::move(out).take();
}

Result<std::size_t> EventLog::bank_index(HashAlgorithm hash) const {
  const auto found = std::ranges::find(header_.banks, algorithm_id(hash), &LogBank::algorithm);
  if (found == header_.banks.end()) {
    return fail(ErrorCode::not_found, fmt::format("the event log has no {} digests", crypto::name(hash)),
                "bank");
  }
  return static_cast<std::size_t>(found - header_.banks.begin());
}

std::vector<PcrValue> EventLog::replay() const {
  std::vector<PcrValue> values;
  for (std::size_t i = 0; i < header_.banks.size(); ++i) {
    const auto hash = hash_from_id(header_.banks[i].algorithm);
    if (!hash) continue;
    for (const auto& [pcr, value] : replay_bank(events_, i, *hash)) {
      values.push_back({.hash = *hash, .index = pcr, .value = value});
    }
  }
  return values;
}

}  // namespace sealift::tpm
