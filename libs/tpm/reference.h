// SPDX-License-Identifier: Apache-2.0
/// Reference values: which events an approved machine measures, and so which PCR values it has.
///
/// Firmware that measures and tooling that predicts both start from MeasuredEvent, so that there is one
/// definition of each event's type, data and digest.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "tpm/event_log.h"

namespace sealift::tpm {

/// One event as it should be. Its digest in every bank is the hash of `data`.
struct MeasuredEvent {
  std::string name;  ///< for people: "hardware-key-hash"
  unsigned pcr;
  std::uint32_t type;
  Bytes data;  ///< the same in the log and in the hash
};

/// What differs between approved machines of the firmware profile (design section 6, "Every boot").
struct FirmwareInputs {
  Digest hardware_key_hash;       ///< of the public keys that may sign firmware for this machine
  bool secure_boot_jumper;        ///< secure boot enforced
  Digest verification_code_hash;  ///< of the code that checks signatures
  bool pef_enabled;
};

inline constexpr unsigned kFirmwarePcr = 6;

/// The five events of PCR 6, in the order in which the firmware measures them: "hardware-key-hash",
/// "secure-boot-jumper", "verification-code-hash", "separator", "pef-enable". EV_PLATFORM_CONFIG_FLAGS with
/// data `name ‖ NUL ‖ value` (a bit is one byte, 0 or 1); EV_SEPARATOR with four zero bytes.
std::vector<MeasuredEvent> firmware_events(const FirmwareInputs& inputs);

/// The log of a machine on which exactly these events happened.
EventLog expected_log(std::span<const MeasuredEvent> events, std::span<const HashAlgorithm> banks);
/// The PCRs after exactly these events. `events` has at least one, `banks` too.
PcrValues expected_pcrs(std::span<const MeasuredEvent> events, std::span<const HashAlgorithm> banks);

/// Whether this is the log of firmware that enabled PEF: PCR 6 has one event "pef-enable", the last, and it
/// says so.
bool enables_pef(const EventLog& log);

/// Where a machine's log leaves the reference: the explanation for a PCR value that was refused.
struct EventDifference {
  std::size_t index;  ///< of the event in the log's events(); their number where one is missing at the end
  unsigned pcr;
  std::string name;  ///< the reference's name for the event; "extra event" where the reference has no more
  std::string expected;  ///< for people: type and data or digest; "nothing" for an extra event
  std::string found;     ///< the same; "nothing" for a missing event
};
/// Compares the log's events for the reference's PCRs with the reference's, digest by digest in the bank
/// `hash`. No value: they agree. not_found where one of them has no such bank.
Result<std::optional<EventDifference>> first_difference(const EventLog& log, const EventLog& reference,
                                                        HashAlgorithm hash);
Result<std::optional<EventDifference>> first_difference(const EventLog& log,
                                                        std::span<const MeasuredEvent> reference,
                                                        HashAlgorithm hash);

}  // namespace sealift::tpm
