// SPDX-License-Identifier: Apache-2.0
/// The firmware's event log: which events explain the PCR values (TCG PC Client Platform Firmware
/// Profile 1.05, clause 10). All its numbers are little-endian.
///
/// A log is a claim by the host, no more: believe it only where its replay gives PCR values that the TPM
/// itself confirms.
#pragma once

#include <array>
#include <span>
#include <string>

#include "tpm/types.h"

namespace sealift::tpm {

/// TCG_EVENTTYPE; the ones that Sealift writes or treats specially.
namespace event_type {
inline constexpr std::uint32_t kNoAction = 0x03;
inline constexpr std::uint32_t kSeparator = 0x04;
inline constexpr std::uint32_t kPlatformConfigFlags = 0x0A;
}  // namespace event_type
/// "EV_SEPARATOR"; "event type 0x…" for a type we have no name for.
std::string event_type_name(std::uint32_t type);

/// A bank as the log's header declares it; the algorithm may be one that Sealift cannot compute.
struct LogBank {
  std::uint16_t algorithm;  ///< TPM_ALG_ID
  std::uint16_t size;       ///< of its digests, bytes
  bool operator==(const LogBank&) const = default;
};

/// What the Spec ID event declares.
struct LogHeader {
  std::uint32_t platform_class = 0;                ///< 0: client
  std::array<std::uint8_t, 4> spec{0, 2, 105, 2};  ///< minor, major, errata, size of UINTN in 32-bit words
  std::vector<LogBank> banks;
  Bytes vendor_info;  ///< at most 255 bytes
  bool operator==(const LogHeader&) const = default;
};

struct Event {
  unsigned pcr = 0;
  std::uint32_t type = 0;
  std::vector<Digest> digests;  ///< one per bank, in the order of the log's header
  Bytes data;                   ///< says what was measured; how it was hashed depends on the type
  bool operator==(const Event&) const = default;
};

enum class LogForm : std::uint8_t {
  crypto_agile,  ///< TCG_PCR_EVENT2 after a Spec ID event
  sha1,          ///< TCG_PCR_EVENT only, as TPM 1.2 machines and early TPM 2.0 firmware wrote it
};

class EventLog {
 public:
  static constexpr std::size_t kSizeLimit = 16U << 20U;
  static constexpr std::size_t kEventDataLimit = 1U << 20U;
  static constexpr std::size_t kEventLimit = 1U << 16U;
  static constexpr std::size_t kBankLimit = 16;

  /// An empty crypto-agile log; `banks` are distinct and at least one.
  static EventLog create(std::span<const HashAlgorithm> banks);
  /// Strict, both forms: every length in bounds, every event with one digest per declared bank, nothing left
  /// over. Digests come in any order and are put into the header's; else bytes() gives back what was parsed.
  static Result<EventLog> parse(ByteView file);

  /// The event with `measured` hashed into each bank; what the TPM must be extended with as well.
  /// An EV_NO_ACTION gets zeros instead. For logs made by create() only.
  const Event& append(unsigned pcr, std::uint32_t type, ByteView data, ByteView measured);
  Bytes bytes() const;

  LogForm form() const noexcept { return form_; }
  const std::vector<LogBank>& banks() const noexcept { return header_.banks; }
  const std::vector<Event>& events() const noexcept { return events_; }
  /// Where in an event's `digests` the bank's digest is; not_found where the log has no such bank.
  Result<std::size_t> bank_index(HashAlgorithm hash) const;

  /// What the PCRs hold if the log tells the truth: for each bank that Sealift can compute, each PCR that was
  /// extended. EV_NO_ACTION extends nothing; one that tells the startup locality sets where PCR 0 begins.
  std::vector<PcrValue> replay() const;

 private:
  friend class EventLogParser;
  EventLog() = default;
  LogForm form_ = LogForm::crypto_agile;
  LogHeader header_;
  std::vector<Event> events_;
};

/// value' = H(value ‖ digest): what TPM2_PCR_Extend does to a PCR.
Digest extended(HashAlgorithm hash, const Digest& value, const Digest& digest);

}  // namespace sealift::tpm
