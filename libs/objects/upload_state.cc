// SPDX-License-Identifier: Apache-2.0
#include "objects/upload_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "crypto/sha512_state.h"

namespace sealift::objects {
namespace {

constexpr std::string_view kFormat = "upload-v1";
constexpr std::size_t kFields = 7;
constexpr std::size_t kMaxId = 1024;
constexpr std::size_t kMaxText = 2048;
constexpr std::size_t kDigestSize = 64;
constexpr std::size_t kPartsSize = 32;

tl::unexpected<Error> fail_malformed(std::string_view field) {
  return fail(ErrorCode::malformed, fmt::format("the state of an upload has no valid {}", field),
              std::string{field});
}

Result<std::array<std::string_view, kFields>> split(std::string_view text) {
  std::array<std::string_view, kFields> fields;
  for (std::size_t i = 0; i < kFields; ++i) {
    const auto space = text.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == kFields)) return fail_malformed("number of fields");
    fields.at(i) = text.substr(0, space);
    text.remove_prefix(std::min(text.size(), fields.at(i).size() + 1));
  }
  return fields;
}

Result<std::uint64_t> number(std::string_view text, std::string_view field) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  // One way to write each: 07 is none.
  if (result.ec != std::errc{} || result.ptr != end || fmt::format("{}", value) != text)
    return fail_malformed(field);
  return value;
}

/// "-" stands for none.
std::string hex_or_dash(ByteView bytes) { return bytes.empty() ? "-" : to_hex(bytes); }

Result<Bytes> bytes_of(std::string_view text, std::string_view field) {
  if (text == "-") return Bytes{};
  auto bytes = from_hex(text);
  if (!bytes || bytes->empty() || to_hex(*bytes) != text) return fail_malformed(field);
  return bytes;
}

bool is_id(std::string_view text) {
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  return !text.empty() && text.size() <= kMaxId && std::ranges::all_of(text, printable);
}

Status check(const UploadState& state) {
  if (!state.key.digest()) return fail_malformed("key");
  if (state.size == 0 || state.size > kMaxObjectSize) return fail_malformed("size");
  if (state.offset > state.size || (!state.complete() && state.offset % kPartSize != 0))
    return fail_malformed("offset");
  if (!state.parts.empty() && state.parts.size() != kPartsSize) return fail_malformed("parts");
  if (state.complete() && state.hash.size() != kDigestSize) return fail_malformed("hash");
  if (!state.complete() && !crypto::Sha512State::parse(state.hash)) return fail_malformed("hash");
  return {};
}

}  // namespace

std::string UploadState::to_text() const {
  return fmt::format("{} {} {} {} {} {} {}", kFormat, key.text(), size, offset, id, hex_or_dash(hash),
                     hex_or_dash(parts));
}

Result<UploadState> UploadState::parse(std::string_view text) {
  if (text.size() > kMaxText) return fail_malformed("length");
  SEALIFT_TRY(const auto fields, split(text));
  if (fields[0] != kFormat) return fail_malformed("format");
  auto key = ObjectKey::parse(fields[1]);
  if (!key) return fail_malformed("key");
  SEALIFT_TRY(const auto size, number(fields[2], "size"));
  SEALIFT_TRY(const auto offset, number(fields[3], "offset"));
  if (!is_id(fields[4])) return fail_malformed("id");
  SEALIFT_TRY(auto hash, bytes_of(fields[5], "hash"));
  SEALIFT_TRY(auto parts, bytes_of(fields[6], "parts"));
  UploadState state{*std::move(key), size, std::string{fields[4]}, offset, std::move(hash), std::move(parts)};
  SEALIFT_CHECK(check(state));
  return state;
}

Result<UploadState> start_upload(const crypto::Digest& sha512, std::uint64_t size) {
  if (size == 0 || size > kMaxObjectSize)
    return fail(ErrorCode::invalid_argument, fmt::format("an upload has 1 to {} bytes", kMaxObjectSize),
                "size");
  return UploadState{ObjectKey::content(sha512), size, {}, 0, crypto::Sha512State{}.to_bytes(), {}};
}

Status check_part(const UploadState& state, std::uint64_t offset, ByteView bytes) {
  if (offset != state.offset)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the upload goes on at offset {}, not {}", state.offset, offset), "offset");
  const auto expected = std::min(kPartSize, state.size - state.offset);
  if (expected == 0 || bytes.size() != expected)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the next part has {} bytes, not {}", expected, bytes.size()), "bytes");
  return {};
}

Result<UploadState> advanced(UploadState state, ByteView bytes) {
  SEALIFT_TRY(auto hash, crypto::Sha512State::parse(state.hash));
  state.offset += bytes.size();
  if (state.complete()) {
    state.hash = to_bytes(hash.finish(bytes).view());
  } else {
    hash.update(bytes);
    state.hash = hash.to_bytes();
  }
  return state;
}

Status check_whole(const UploadState& state) {
  if (!state.complete())
    return fail(ErrorCode::failed_precondition,
                fmt::format("{} of {} bytes have arrived", state.offset, state.size), "offset");
  if (!same_bytes(state.hash, state.key.digest().value().view()))
    return differs(ErrorCode::object_differs, "the bytes that arrived have not the digest that was announced",
                   "sha512", to_hex(state.key.digest().value().view()), to_hex(state.hash));
  return {};
}

}  // namespace sealift::objects
