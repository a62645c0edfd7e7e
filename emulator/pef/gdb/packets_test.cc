// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/packets.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace sealift::pef {
namespace {

TEST(Packets, AreFramedAsTheProtocolSays) {
  EXPECT_EQ(frame_packet("g"), "$g#67");
  EXPECT_EQ(frame_packet(""), "$#00");
}

TEST(Packets, ComeOutHoweverTheyWereCut) {
  const std::string stream = "+" + frame_packet("OK") + "++" + frame_packet("T05thread:01;");
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    PacketReader reader;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_THAT(reader.feed(as_bytes(std::string_view{stream}.substr(at, piece))), Succeeds());
      for (;;) {
        const auto packet = reader.next();
        ASSERT_THAT(packet, Succeeds());
        if (!*packet) break;
        got.push_back(**packet);
      }
    }
    EXPECT_EQ(got, (std::vector<std::string>{"OK", "T05thread:01;"})) << piece;
  }
}

TEST(Packets, AreRefusedWithAWrongChecksumOrOutsideOfAFrame) {
  for (const std::string_view text : {"$OK#00", "$OK#zz", "OK", "#9a", "-", "$OK#9b"}) {
    PacketReader reader;
    ASSERT_THAT(reader.feed(as_bytes(text)), Succeeds());
    EXPECT_THAT(reader.next(), FailsWith(ErrorCode::malformed)) << text;
  }
}

TEST(Packets, HaveALimit) {
  PacketReader reader;
  ASSERT_THAT(reader.feed(as_bytes("$" + std::string(kMaxPacket - 1, 'a'))), Succeeds());
  EXPECT_THAT(reader.next(), Succeeds());
  EXPECT_THAT(reader.feed(as_bytes("a")), FailsWith(ErrorCode::too_large));
}

TEST(Packets, EscapeBinaryData) {
  EXPECT_EQ(unescape_packet("a}\x03z").value(), "a#z");
  EXPECT_EQ(unescape_packet("}]").value(), "}");
  EXPECT_THAT(unescape_packet("a}"), FailsWith(ErrorCode::malformed));
}

}  // namespace
}  // namespace sealift::pef
