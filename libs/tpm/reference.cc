// SPDX-License-Identifier: Apache-2.0
#include "tpm/reference.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace sealift::tpm {
namespace {

constexpr std::string_view kPefEnable = "pef-enable";

MeasuredEvent setting(std::string_view name, ByteView value) {
  return {.name = std::string{name},
          .pcr = kFirmwarePcr,
          .type = event_type::kPlatformConfigFlags,
          .data = std::move(ByteWriter{}.text(name).u8(0).bytes(value)).take()};
}

MeasuredEvent bit(std::string_view name, bool value) {
  return setting(name, std::array<std::uint8_t, 1>{static_cast<std::uint8_t>(value ? 1 : 0)});
}

/// The "name" of data `name ‖ NUL ‖ value`; "" for other data.
std::string_view setting_name(ByteView data) {
  constexpr std::size_t kLongest = 64;
  const auto nul = std::ranges::find(data, std::uint8_t{0});
  const auto size = static_cast<std::size_t>(nul - data.begin());
  const auto printable = [](std::uint8_t byte) { return byte > 0x20 && byte < 0x7F; };
  if (size == data.size() || size > kLongest || !std::ranges::all_of(data.first(size), printable)) return {};
  return as_text(data.first(size));
}

std::string name_of(const Event& event) {
  if (const auto name = setting_name(event.data); !name.empty()) return std::string{name};
  return event.type == event_type::kSeparator ? "separator" : event_type_name(event.type);
}

/// For people: "name = value" for a setting, else type and data, cut where they are long; the digest alone
/// where the data are not what was hashed.
std::string describe(const Event& event, const Digest& digest, HashAlgorithm hash) {
  constexpr std::size_t kShown = 64;
  const ByteView data{event.data};
  if (crypto::digest(hash, data) != digest) {
    return fmt::format("{} with digest {}", event_type_name(event.type), to_hex(digest.view()));
  }
  const auto name = setting_name(data);
  const auto value = name.empty() ? data : data.subspan(name.size() + 1);
  const auto shown = to_hex(value.first(std::min(kShown, value.size())));
  return name.empty() ? fmt::format("{} {}", event_type_name(event.type), shown)
                      : fmt::format("{} = {}", name, shown);
}

/// The reference's events of one PCR after another, each taken once.
class Expected {
 public:
  explicit Expected(const EventLog& reference) {
    for (const auto& event : reference.events()) {
      if (event.type != event_type::kNoAction) queues_[event.pcr].events.push_back(&event);
    }
  }
  bool covers(unsigned pcr) const { return queues_.contains(pcr); }
  /// The next one of that PCR, or nullptr.
  const Event* take(unsigned pcr) {
    auto& queue = queues_.at(pcr);
    return queue.taken == queue.events.size() ? nullptr : queue.events[queue.taken++];
  }
  /// One that was never taken, or nullptr.
  const Event* left() {
    for (const auto& [pcr, queue] : queues_) {
      if (const auto* const event = take(pcr)) return event;
    }
    return nullptr;
  }

 private:
  struct Queue {
    std::vector<const Event*> events;
    std::size_t taken = 0;
  };
  std::map<unsigned, Queue> queues_;
};

}  // namespace

std::vector<MeasuredEvent> firmware_events(const FirmwareInputs& inputs) {
  return {
      setting("hardware-key-hash", inputs.hardware_key_hash.view()),
      bit("secure-boot-jumper", inputs.secure_boot_jumper),
      setting("verification-code-hash", inputs.verification_code_hash.view()),
      {.name = "separator", .pcr = kFirmwarePcr, .type = event_type::kSeparator, .data = Bytes(4)},
      bit(kPefEnable, inputs.pef_enabled),
  };
}

bool enables_pef(const EventLog& log) {
  const auto bank = log.bank_index(HashAlgorithm::sha256);
  if (!bank) return false;
  const Event* last = nullptr;
  int settings = 0;
  for (const auto& event : log.events()) {
    if (event.pcr != kFirmwarePcr || event.type == event_type::kNoAction) continue;
    last = &event;
    if (setting_name(event.data) == kPefEnable) ++settings;
  }
  const auto enabled = bit(kPefEnable, true);
  return settings == 1 && last->type == enabled.type && last->data == enabled.data &&
         last->digests[*bank] == crypto::digest(HashAlgorithm::sha256, enabled.data);
}

EventLog expected_log(std::span<const MeasuredEvent> events, std::span<const HashAlgorithm> banks) {
  auto log = EventLog::create(banks);
  for (const auto& event : events) log.append(event.pcr, event.type, event.data, event.data);
  return log;
}

PcrValues expected_pcrs(std::span<const MeasuredEvent> events, std::span<const HashAlgorithm> banks) {
  return PcrValues::from_values(expected_log(events, banks).replay()).value();
}

Result<std::optional<EventDifference>> first_difference(const EventLog& log, const EventLog& reference,
                                                        HashAlgorithm hash) {
  SEALIFT_TRY(const auto bank, log.bank_index(hash));
  SEALIFT_TRY(const auto reference_bank, reference.bank_index(hash));
  Expected expected{reference};
  for (std::size_t i = 0; i < log.events().size(); ++i) {
    const auto& found = log.events()[i];
    if (found.type == event_type::kNoAction || !expected.covers(found.pcr)) continue;
    const auto& digest = found.digests.at(bank);
    const auto* const wanted = expected.take(found.pcr);
    if (wanted != nullptr && wanted->digests.at(reference_bank) == digest) continue;
    return EventDifference{.index = i,
                           .pcr = found.pcr,
                           .name = wanted == nullptr ? "extra event" : name_of(*wanted),
                           .expected = wanted == nullptr
                                           ? "nothing"
                                           : describe(*wanted, wanted->digests.at(reference_bank), hash),
                           .found = describe(found, digest, hash)};
  }
  if (const auto* const missing = expected.left()) {
    return EventDifference{.index = log.events().size(),
                           .pcr = missing->pcr,
                           .name = name_of(*missing),
                           .expected = describe(*missing, missing->digests.at(reference_bank), hash),
                           .found = "nothing"};
  }
  return std::nullopt;
}

Result<std::optional<EventDifference>> first_difference(const EventLog& log,
                                                        std::span<const MeasuredEvent> reference,
                                                        HashAlgorithm hash) {
  return first_difference(log, expected_log(reference, std::array{hash}), hash);
}

}  // namespace sealift::tpm
