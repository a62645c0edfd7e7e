// SPDX-License-Identifier: Apache-2.0
#include "objects/upload_state.h"

#include "base/matchers.h"
#include "crypto/sha512_state.h"

namespace sealift::objects {
namespace {

using crypto::HashAlgorithm;

UploadState begun(std::uint64_t size) {
  auto state = start_upload(crypto::digest(HashAlgorithm::sha512, as_bytes("abc")), size).value();
  state.id = "2~AbC._-";
  return state;
}

TEST(UploadState, SurvivesBeingWritten) {
  auto state = begun(kPartSize + 3);
  state = advanced(state, Bytes(kPartSize, 7)).value();
  state.parts = Bytes(32, 9);
  const auto again = UploadState::parse(state.to_text());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->to_text(), state.to_text());
  EXPECT_EQ(again->offset, kPartSize);
  EXPECT_EQ(again->id, "2~AbC._-");
}

TEST(UploadState, StaysSmall) {
  auto state = begun(kMaxObjectSize);
  state.id = std::string(1024, 'x');
  state.parts = Bytes(32, 9);
  EXPECT_LT(state.to_text().size(), 2048U);
  EXPECT_THAT(UploadState::parse(state.to_text()), Succeeds());
}

TEST(UploadState, HasTheDigestOnceAllBytesHaveArrived) {
  auto state = begun(3);
  EXPECT_THAT(check_whole(state), FailsAt(ErrorCode::failed_precondition, "offset"));
  EXPECT_THAT(check_whole(advanced(state, as_bytes("abd")).value()),
              FailsAt(ErrorCode::object_differs, "sha512"));
  const auto whole = advanced(state, as_bytes("abc")).value();
  EXPECT_THAT(check_whole(whole), Succeeds());
  EXPECT_THAT(check_whole(UploadState::parse(whole.to_text()).value()), Succeeds());
}

TEST(UploadState, HashesAcrossParts) {
  Bytes bytes(2 * kPartSize + 1);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i >> 13U);
  auto state = start_upload(crypto::digest(HashAlgorithm::sha512, bytes), bytes.size()).value();
  state.id = "1";
  for (std::size_t at = 0; at < bytes.size(); at += kPartSize) {
    const auto part = ByteView{bytes}.subspan(at, std::min<std::size_t>(kPartSize, bytes.size() - at));
    ASSERT_THAT(check_part(state, at, part), Succeeds());
    state = UploadState::parse(advanced(state, part)->to_text()).value();
  }
  EXPECT_THAT(check_whole(state), Succeeds());
}

TEST(UploadState, TakesOneSequenceOfPartsOnly) {
  const auto state = advanced(begun(2 * kPartSize + 5), Bytes(kPartSize)).value();
  EXPECT_THAT(check_part(state, kPartSize, Bytes(kPartSize)), Succeeds());
  EXPECT_THAT(check_part(state, 0, Bytes(kPartSize)), FailsAt(ErrorCode::invalid_argument, "offset"));
  EXPECT_THAT(check_part(state, kPartSize, Bytes(kPartSize - 1)),
              FailsAt(ErrorCode::invalid_argument, "bytes"));
  EXPECT_THAT(check_part(state, kPartSize, Bytes(kPartSize + 5)),
              FailsAt(ErrorCode::invalid_argument, "bytes"));
  const auto near_end = advanced(state, Bytes(kPartSize)).value();
  EXPECT_THAT(check_part(near_end, 2 * kPartSize, Bytes(5)), Succeeds());
  EXPECT_THAT(check_part(near_end, 2 * kPartSize, Bytes(6)), FailsAt(ErrorCode::invalid_argument, "bytes"));
  const auto at_end = advanced(near_end, Bytes(5)).value();
  EXPECT_THAT(check_part(at_end, at_end.size, {}), FailsAt(ErrorCode::invalid_argument, "bytes"));
}

TEST(UploadState, HasASizeThatBothStoresTake) {
  const auto digest = crypto::digest(HashAlgorithm::sha512, as_bytes("abc"));
  EXPECT_THAT(start_upload(digest, 0), FailsAt(ErrorCode::invalid_argument, "size"));
  EXPECT_THAT(start_upload(digest, kMaxObjectSize), Succeeds());
  EXPECT_THAT(start_upload(digest, kMaxObjectSize + 1), FailsAt(ErrorCode::invalid_argument, "size"));
}

TEST(UploadState, RefusesEveryTruncation) {
  const auto text = begun(9).to_text();
  // The last field alone may be shorter and still be one: "-" has no shorter form.
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_THAT(UploadState::parse(text.substr(0, size)), FailsWith(ErrorCode::malformed)) << size;
  }
}

TEST(UploadState, RefusesWhatIsNotOne) {
  const auto text = begun(9).to_text();
  const auto with = [&](std::string_view from, std::string_view to) {
    auto edited = text;
    edited.replace(edited.find(from), from.size(), to);
    return UploadState::parse(edited);
  };
  ASSERT_THAT(with("upload-v1", "upload-v1"), Succeeds());
  EXPECT_THAT(with("upload-v1", "upload-v2"), FailsAt(ErrorCode::malformed, "format"));
  EXPECT_THAT(with("sha512/", "heads/"), FailsAt(ErrorCode::malformed, "key"));
  EXPECT_THAT(with(" 9 ", " 09 "), FailsAt(ErrorCode::malformed, "size"));
  EXPECT_THAT(with(" 9 ", " -9 "), FailsAt(ErrorCode::malformed, "size"));
  EXPECT_THAT(with(" 9 ", " 0 "), FailsAt(ErrorCode::malformed, "size"));
  EXPECT_THAT(with(" 0 ", " 1 "), FailsAt(ErrorCode::malformed, "offset"));
  EXPECT_THAT(with(" 0 ", " 10 "), FailsAt(ErrorCode::malformed, "offset"));
  EXPECT_THAT(with(" 0 ", " 9 "), FailsAt(ErrorCode::malformed, "hash"));
  EXPECT_THAT(with("2~A", "2\nA"), FailsAt(ErrorCode::malformed, "id"));
  EXPECT_THAT(with("2~AbC._-", ""), FailsAt(ErrorCode::malformed, "id"));
  EXPECT_THAT(UploadState::parse(text + "a"), FailsAt(ErrorCode::malformed, "parts"));
  EXPECT_THAT(UploadState::parse(text + " "), FailsWith(ErrorCode::malformed));
  EXPECT_THAT(UploadState::parse(std::string(4096, ' ')), FailsAt(ErrorCode::malformed, "length"));
}

}  // namespace
}  // namespace sealift::objects
