// SPDX-License-Identifier: Apache-2.0
#include "tpm/event_log.h"

#include "base/matchers.h"
#include "tpm/event_log_format.h"

namespace sealift::tpm {
namespace {

constexpr std::array kBanks{HashAlgorithm::sha1, HashAlgorithm::sha256};

EventLog sample() {
  auto log = EventLog::create(kBanks);
  log.append(6, event_type::kPlatformConfigFlags, as_bytes("one"), as_bytes("one"));
  log.append(0, event_type::kNoAction, as_bytes("not measured"), {});
  log.append(6, event_type::kSeparator, Bytes(4), Bytes(4));
  log.append(7, event_type::kSeparator, Bytes(4), Bytes(4));
  return log;
}

/// The bytes of an event's header in the first event of a log, before its data.
Bytes spec_id_event(ByteView data) {
  return std::move(ByteWriter{}
                       .le32(0)
                       .le32(3)
                       .bytes(Bytes(20))
                       .le32(static_cast<std::uint32_t>(data.size()))
                       .bytes(data))
      .take();
}

ByteWriter spec_id_start(std::uint32_t banks) {
  ByteWriter out;
  out.text(kSpecIdSignature).le32(0).u8(0).u8(2).u8(0).u8(2).le32(banks);
  return out;
}

TEST(EventLog, ParsesWhatItWrote) {
  const auto log = sample();
  const auto again = EventLog::parse(log.bytes());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->form(), LogForm::crypto_agile);
  EXPECT_EQ(again->banks(), log.banks());
  EXPECT_EQ(again->events(), log.events());
  EXPECT_EQ(again->bytes(), log.bytes());
}

// PC Client Platform Firmware Profile 1.05, clause 10.4.5.1, by hand.
TEST(EventLog, WritesTheHeaderAsTheStandardSays) {
  const std::array banks{HashAlgorithm::sha256};
  EXPECT_EQ(to_hex(EventLog::create(banks).bytes()),
            "00000000"
            "03000000"
            "0000000000000000000000000000000000000000"
            "21000000"
            "53706563204944204576656e74303300"
            "00000000"
            "00026902"
            "01000000"
            "0b002000"
            "00");
}

TEST(EventLog, IsRefusedInEveryTruncationInsideAnEvent) {
  const auto bytes = sample().bytes();
  std::size_t whole = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto parsed = EventLog::parse(ByteView{bytes}.first(size));
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, ErrorCode::truncated) << size;
      continue;
    }
    EXPECT_EQ(parsed->bytes().size(), size);
    ++whole;
  }
  EXPECT_EQ(whole, sample().events().size());  // the header alone, and after each event but the last
}

TEST(EventLog, ReplaysToOtherValuesOrIsRefusedOrSaysTheSameWithAnyBitFlipped) {
  const auto bytes = sample().bytes();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto parsed = EventLog::parse(flipped);
    if (!parsed) continue;
    EXPECT_EQ(parsed->bytes(), flipped) << bit;
  }
}

TEST(EventLog, ReplaysEachBank) {
  const auto values = sample().replay();
  ASSERT_EQ(values.size(), 4U);  // two PCRs in two banks
  const Digest zeros{Bytes(32)};
  const auto one = crypto::digest(HashAlgorithm::sha256, as_bytes("one"));
  const auto separator = crypto::digest(HashAlgorithm::sha256, Bytes(4));
  const auto value = extended(HashAlgorithm::sha256, extended(HashAlgorithm::sha256, zeros, one), separator);
  EXPECT_EQ(PcrValues::from_values(values)->find(HashAlgorithm::sha256, 6)->view().size(), 32U);
  EXPECT_EQ(*PcrValues::from_values(values)->find(HashAlgorithm::sha256, 6), value);
}

TEST(EventLog, BeginsPcr0WithTheStartupLocality) {
  auto log = EventLog::create(kBanks);
  auto data = to_bytes(as_bytes(kStartupLocality));
  data.push_back(3);
  log.append(0, event_type::kNoAction, data, {});
  log.append(0, event_type::kSeparator, Bytes(4), Bytes(4));
  Bytes start(32);
  start.back() = 3;
  const auto expected =
      extended(HashAlgorithm::sha256, Digest{start}, crypto::digest(HashAlgorithm::sha256, Bytes(4)));
  EXPECT_EQ(*PcrValues::from_values(log.replay())->find(HashAlgorithm::sha256, 0), expected);
}

TEST(EventLog, KeepsBanksItCannotComputeAndReplaysTheOthers) {
  auto spec = spec_id_start(2);
  spec.le16(0x0012).le16(32).le16(0x000B).le16(32).u8(3).text("abc");
  ByteWriter out;
  out.bytes(spec_id_event(spec.view())).le32(6).le32(4).le32(2);
  out.le16(0x000B).bytes(Bytes(32, 1)).le16(0x0012).bytes(Bytes(32, 2)).le32(4).bytes(Bytes(4));
  const auto log = EventLog::parse(out.view());
  ASSERT_THAT(log, Succeeds());
  ASSERT_EQ(log->replay().size(), 1U);
  EXPECT_EQ(log->replay()[0].value, extended(HashAlgorithm::sha256, Digest{Bytes(32)}, Digest{Bytes(32, 1)}));
  EXPECT_EQ(log->events()[0].digests[0], Digest{Bytes(32, 2)});
}

TEST(EventLog, ParsesTheFormOfTpm12) {
  ByteWriter out;
  out.le32(4).le32(5).bytes(Bytes(20, 7)).le32(3).text("abc");
  out.le32(4).le32(4).bytes(Bytes(20, 8)).le32(4).bytes(Bytes(4));
  const auto log = EventLog::parse(out.view());
  ASSERT_THAT(log, Succeeds());
  EXPECT_EQ(log->form(), LogForm::sha1);
  EXPECT_EQ(log->events().size(), 2U);
  EXPECT_EQ(log->bytes(), out.view());
  ASSERT_EQ(log->replay().size(), 1U);
  EXPECT_EQ(log->replay()[0].index, 4U);
}

TEST(EventLog, RefusesAHeaderThatDoesNotFit) {
  const auto parse_spec = [](const ByteWriter& spec) { return EventLog::parse(spec_id_event(spec.view())); };
  EXPECT_THAT(parse_spec(spec_id_start(0).u8(0)), FailsAt(ErrorCode::malformed, "header.banks"));
  EXPECT_THAT(parse_spec(spec_id_start(17).u8(0)), FailsAt(ErrorCode::malformed, "header.banks"));
  EXPECT_THAT(parse_spec(spec_id_start(1).le16(0x0B).le16(20).u8(0)),
              FailsAt(ErrorCode::malformed, "header.banks"));
  EXPECT_THAT(parse_spec(spec_id_start(1).le16(0x12).le16(65).u8(0)),
              FailsAt(ErrorCode::malformed, "header.banks"));
  EXPECT_THAT(parse_spec(spec_id_start(1).le16(0x12).le16(0).u8(0)),
              FailsAt(ErrorCode::malformed, "header.banks"));
  EXPECT_THAT(parse_spec(spec_id_start(2).le16(0x0B).le16(32).le16(0x0B).le16(32).u8(0)),
              FailsAt(ErrorCode::malformed, "header.banks"));
  EXPECT_THAT(parse_spec(spec_id_start(1).le16(0x0B).le16(32).u8(1)), FailsWith(ErrorCode::truncated));
  EXPECT_THAT(parse_spec(spec_id_start(1).le16(0x0B).le16(32).u8(0).u8(0)), FailsWith(ErrorCode::malformed));
}

class OneEvent : public testing::Test {
 protected:
  static Result<EventLog> parse(const ByteWriter& event) {
    const std::array banks{HashAlgorithm::sha1, HashAlgorithm::sha256};
    return EventLog::parse(
        std::move(ByteWriter{}.bytes(EventLog::create(banks).bytes()).bytes(event.view())).take());
  }
  static ByteWriter start(std::uint32_t pcr, std::uint32_t type, std::uint32_t count) {
    return std::move(ByteWriter{}.le32(pcr).le32(type).le32(count));
  }
};

TEST_F(OneEvent, NeedsOneDigestForEachDeclaredBank) {
  const Bytes sha1(20);
  const Bytes sha256(32);
  EXPECT_THAT(parse(start(6, 4, 2).le16(0x0B).bytes(sha256).le16(4).bytes(sha1).le32(0)), Succeeds());
  EXPECT_THAT(parse(start(6, 4, 1).le16(0x0B).bytes(sha256).le32(0)),
              FailsAt(ErrorCode::malformed, "digests"));
  EXPECT_THAT(parse(start(6, 4, 0xFFFFFFFF)), FailsAt(ErrorCode::malformed, "digests"));
  EXPECT_THAT(parse(start(6, 4, 2).le16(4).bytes(sha1).le16(4).bytes(sha1).le32(0)),
              FailsAt(ErrorCode::malformed, "digests"));
  EXPECT_THAT(parse(start(6, 4, 2).le16(4).bytes(sha1).le16(0x0C).bytes(sha256).le32(0)),
              FailsAt(ErrorCode::malformed, "digests"));
}

TEST_F(OneEvent, ExtendsAPcrThatExists) {
  const Bytes sha1(20);
  const Bytes sha256(32);
  EXPECT_THAT(parse(start(24, 4, 2).le16(4).bytes(sha1).le16(0x0B).bytes(sha256).le32(0)),
              FailsAt(ErrorCode::malformed, "pcr"));
  EXPECT_THAT(parse(start(0xFFFFFFFF, 3, 2).le16(4).bytes(sha1).le16(0x0B).bytes(sha256).le32(0)),
              Succeeds());
}

TEST_F(OneEvent, HasDataOfABoundedSize) {
  const Bytes sha1(20);
  const Bytes sha256(32);
  EXPECT_THAT(parse(start(6, 4, 2).le16(4).bytes(sha1).le16(0x0B).bytes(sha256).le32(0xFFFFFFFF)),
              FailsAt(ErrorCode::too_large, "data"));
  EXPECT_THAT(parse(start(6, 4, 2).le16(4).bytes(sha1).le16(0x0B).bytes(sha256).le32(1)),
              FailsWith(ErrorCode::truncated));
}

TEST(EventLog, HasABoundedNumberOfEventsAndBytes) {
  ByteWriter event;
  event.le32(4).le32(5).bytes(Bytes(20)).le32(0);
  ByteWriter many;
  for (std::size_t i = 0; i < EventLog::kEventLimit; ++i) many.bytes(event.view());
  EXPECT_THAT(EventLog::parse(many.view()), Succeeds());
  many.bytes(event.view());
  EXPECT_THAT(EventLog::parse(many.view()), FailsWith(ErrorCode::too_large));
  EXPECT_THAT(EventLog::parse(Bytes(EventLog::kSizeLimit + 1)), FailsWith(ErrorCode::too_large));
}

TEST(EventLog, NamesItsEventTypes) {
  EXPECT_EQ(event_type_name(event_type::kSeparator), "EV_SEPARATOR");
  EXPECT_EQ(event_type_name(0x12345678), "event type 0x12345678");
}

}  // namespace
}  // namespace sealift::tpm
