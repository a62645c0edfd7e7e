// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "tpm/event_log.h"
#include "tpm/event_log_format.h"

namespace sealift::tpm {
namespace {

tl::unexpected<Error> malformed(std::string message, std::string field) {
  return fail(ErrorCode::malformed, std::move(message), std::move(field));
}

/// A little-endian 32-bit length, at most `limit`, and that many bytes.
Result<ByteView> take_data(ByteReader& reader, std::size_t limit) {
  SEALIFT_TRY(const auto size, reader.le32());
  if (size > limit)
    return fail(ErrorCode::too_large, fmt::format("an event with {} bytes of data", size), "data");
  return reader.take(size);
}

Status check_bank(const LogBank& bank, std::span<const LogBank> before) {
  constexpr std::size_t kLargestDigest = 64;
  if (bank.size == 0 || bank.size > kLargestDigest) {
    return malformed(fmt::format("the log declares digests of {} bytes", bank.size), "header.banks");
  }
  if (std::ranges::find(before, bank.algorithm, &LogBank::algorithm) != before.end()) {
    return malformed(fmt::format("the log declares the bank {:#06x} twice", bank.algorithm), "header.banks");
  }
  const auto hash = hash_from_id(bank.algorithm);
  if (hash && crypto::digest_size(*hash) != bank.size) {
    return malformed(fmt::format("{} digests of {} bytes", crypto::name(*hash), bank.size), "header.banks");
  }
  return {};
}

Result<std::vector<LogBank>> parse_banks(ByteReader& reader) {
  SEALIFT_TRY(const auto count, reader.le32());
  if (count == 0 || count > EventLog::kBankLimit) {
    return malformed(fmt::format("the log declares {} banks", count), "header.banks");
  }
  std::vector<LogBank> banks;
  for (std::uint32_t i = 0; i < count; ++i) {
    LogBank bank{};
    SEALIFT_TRY(bank.algorithm, reader.le16());
    SEALIFT_TRY(bank.size, reader.le16());
    SEALIFT_CHECK(check_bank(bank, banks));
    banks.push_back(bank);
  }
  return banks;
}

/// TCG_EfiSpecIDEvent (clause 10.4.5.1), after its signature.
Result<LogHeader> parse_header(ByteReader reader) {
  LogHeader header;
  SEALIFT_TRY(header.platform_class, reader.le32());
  SEALIFT_TRY(const auto spec, reader.take(header.spec.size()));
  std::ranges::copy(spec, header.spec.begin());
  SEALIFT_TRY(header.banks, parse_banks(reader));
  SEALIFT_TRY(const auto vendor_size, reader.u8());
  SEALIFT_TRY(const auto vendor_info, reader.take(vendor_size));
  header.vendor_info = to_bytes(vendor_info);
  SEALIFT_CHECK(reader.expect_end());
  return header;
}

bool starts_with(ByteView bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && same_bytes(bytes.first(prefix.size()), as_bytes(prefix));
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

class EventLogParser {
 public:
  explicit EventLogParser(ByteView file) : reader_{file} {}

  Result<EventLog> parse() {
    SEALIFT_TRY(auto first, sha1_event());
    if (first.type == event_type::kNoAction && starts_with(first.data, kSpecIdSignature)) {
      SEALIFT_CHECK(begin_crypto_agile(first));
    } else {
      log_.form_ = LogForm::sha1;
      log_.header_.banks = {{.algorithm = algorithm_id(HashAlgorithm::sha1), .size = kSha1Size}};
      log_.events_.push_back(std::move(first));
    }
    while (!reader_.at_end()) {
      if (log_.events_.size() == EventLog::kEventLimit) {
        return fail(ErrorCode::too_large,
                    fmt::format("an event log with more than {} events", EventLog::kEventLimit));
      }
      auto event = log_.form_ == LogForm::sha1 ? sha1_event() : crypto_agile_event();
      if (!event) return at_event(std::move(event).error());
      log_.events_.push_back(*std::move(event));
    }
    return std::move(log_);
  }

 private:
  Status begin_crypto_agile(const Event& first) {
    if (first.pcr != 0 || !all_zero(first.digests.front().view())) {
      return malformed("the log's first event extends a PCR", "header");
    }
    ByteReader spec{first.data};
    SEALIFT_CHECK(spec.take(kSpecIdSignature.size()));
    SEALIFT_TRY(log_.header_, parse_header(spec));
    return {};
  }

  /// TCG_PCClientPCREvent (clause 10.1).
  Result<Event> sha1_event() {
    Event event;
    SEALIFT_CHECK(start_event(event));
    SEALIFT_TRY(const auto digest, reader_.take(kSha1Size));
    event.digests.emplace_back(digest);
    SEALIFT_CHECK(end_event(event));
    return event;
  }

  /// TCG_PCR_EVENT2 (clause 10.2).
  Result<Event> crypto_agile_event() {
    Event event;
    SEALIFT_CHECK(start_event(event));
    SEALIFT_CHECK(digests(event));
    SEALIFT_CHECK(end_event(event));
    return event;
  }

  Status start_event(Event& event) {
    SEALIFT_TRY(event.pcr, reader_.le32());
    SEALIFT_TRY(event.type, reader_.le32());
    if (event.pcr >= kPcrCount && event.type != event_type::kNoAction) {
      return malformed(fmt::format("an event extends PCR {}, which does not exist", event.pcr), "pcr");
    }
    return {};
  }

  Status end_event(Event& event) {
    SEALIFT_TRY(const auto data, take_data(reader_, EventLog::kEventDataLimit));
    event.data = to_bytes(data);
    return {};
  }

  /// TPML_DIGEST_VALUES: one digest for each declared bank.
  Status digests(Event& event) {
    const auto& banks = log_.header_.banks;
    SEALIFT_TRY(const auto count, reader_.le32());
    if (count != banks.size()) {
      return malformed(fmt::format("an event with {} digests in a log of {} banks", count, banks.size()),
                       "digests");
    }
    event.digests.resize(banks.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      SEALIFT_TRY(const auto algorithm, reader_.le16());
      const auto bank = std::ranges::find(banks, algorithm, &LogBank::algorithm);
      if (bank == banks.end()) {
        return malformed(
            fmt::format("a digest in the bank {:#06x}, which the log does not declare", algorithm),
            "digests");
      }
      auto& digest = event.digests.at(static_cast<std::size_t>(bank - banks.begin()));
      if (digest.size() != 0) return malformed("an event with two digests in one bank", "digests");
      SEALIFT_TRY(const auto bytes, reader_.take(bank->size));
      digest = Digest{bytes};
    }
    return {};
  }

  tl::unexpected<Error> at_event(Error error) const {
    error.message = fmt::format("event {}: {}", log_.events_.size(), error.message);
    return tl::unexpected{std::move(error)};
  }

  ByteReader reader_;
  EventLog log_;
};

Result<EventLog> EventLog::parse(ByteView file) {
  if (file.size() > kSizeLimit) {
    return fail(ErrorCode::too_large, fmt::format("an event log of {} bytes", file.size()));
  }
  return EventLogParser{file}.parse();
}

}  // namespace sealift::tpm
