// SPDX-License-Identifier: Apache-2.0
#include "objects/s3_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "objects/s3_answers.h"
#include "objects/store_checks.h"

namespace sealift::objects {
namespace {

/// For assembling 10,000 parts before the first byte of the answer.
constexpr std::chrono::seconds kCompletion{300};

/// Room for an error's XML where few bytes are read.
constexpr std::size_t kErrorBody = 64U * 1024;

bool misses(const Error& error, std::string_view what) {
  return error.code == ErrorCode::not_found && error.field == what;
}

/// What `parts` of a state becomes with one more part.
Bytes with_part(ByteView parts, std::string_view etag) {
  return to_bytes(crypto::digest(crypto::HashAlgorithm::sha256, {parts, as_bytes(etag)}).view());
}

std::string header(const HttpAnswer& answer, const std::string& name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? std::string{} : found->second;
}

tl::unexpected<Error> fail_replaced() {
  return fail(ErrorCode::conflict, "other bytes were sent for a part of this upload: begin it again",
              "upload");
}

}  // namespace

Status S3Store::check() {
  const auto answer = client_.send({.method = "HEAD"});
  if (answer) return {};
  auto error = answer.error();
  if (error.code == ErrorCode::not_found) error.field = "bucket";
  return tl::unexpected{std::move(error)};
}

Result<std::optional<std::uint64_t>> S3Store::stat(const ObjectKey& key) {
  const auto answer = client_.send({.method = "HEAD", .key = key.text()});
  if (!answer && answer.error().code == ErrorCode::not_found) {
    // The answer to a HEAD does not say what is missing.
    SEALIFT_CHECK(check());
    return std::nullopt;
  }
  if (!answer) return tl::unexpected{answer.error()};
  const auto text = header(*answer, "content-length");
  std::uint64_t size = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), size);
  if (result.ec == std::errc{} && result.ptr == text.data() + text.size()) return size;
  return fail(ErrorCode::malformed, "the store does not say how large the object is", "content-length");
}

Result<UploadState> S3Store::begin(const crypto::Digest& sha512, std::uint64_t size) {
  SEALIFT_TRY(auto state, start_upload(sha512, size));
  SEALIFT_TRY(const auto answer,
              client_.send({.method = "POST", .key = state.key.text(), .query = {{"uploads", ""}}}));
  SEALIFT_TRY(state.id, parse_upload_id(answer.body));
  return state;
}

Result<UploadState> S3Store::append(const UploadState& state, std::uint64_t offset, ByteView bytes) {
  SEALIFT_CHECK(check_part(state, offset, bytes));
  const auto number = std::to_string(offset / kPartSize + 1);
  SEALIFT_TRY(const auto answer, client_.send({.method = "PUT",
                                               .key = state.key.text(),
                                               .query = {{"partNumber", number}, {"uploadId", state.id}},
                                               .body = bytes}));
  SEALIFT_TRY(const auto etag, parse_etag(header(answer, "etag")));
  SEALIFT_TRY(auto next, advanced(state, bytes));
  next.parts = with_part(state.parts, etag);
  return next;
}

Result<std::vector<UploadedPart>> S3Store::parts_of(const UploadState& state) {
  const auto expected = (state.size + kPartSize - 1) / kPartSize;
  std::vector<UploadedPart> parts;
  for (bool more = true; more;) {
    const auto marker = std::to_string(parts.empty() ? 0 : parts.back().number);
    SEALIFT_TRY(const auto answer,
                client_.send({.method = "GET",
                              .key = state.key.text(),
                              .query = {{"uploadId", state.id}, {"part-number-marker", marker}}}));
    SEALIFT_TRY(auto page, parse_parts(answer.body));
    more = page.more && !page.parts.empty();
    parts.insert(parts.end(), page.parts.begin(), page.parts.end());
    if (parts.size() > expected) return fail_replaced();
  }
  Bytes hash;
  for (const auto& part : parts) hash = with_part(hash, part.etag);
  if (parts.size() != expected || !same_bytes(hash, state.parts)) return fail_replaced();
  return parts;
}

Status S3Store::complete(const UploadState& state) {
  SEALIFT_TRY(const auto parts, parts_of(state));
  const auto body = complete_request(parts);
  SEALIFT_TRY(const auto answer, client_.send({.method = "POST",
                                               .key = state.key.text(),
                                               .query = {{"uploadId", state.id}},
                                               .body = as_bytes(body),
                                               .more_patience = kCompletion}));
  if (is_completed(answer.body)) return {};
  return fail(ErrorCode::unavailable,
              fmt::format("the store did not complete the upload: {}", parse_error_code(answer.body)));
}

Status S3Store::finish(const UploadState& state) {
  SEALIFT_CHECK(check_whole(state));
  auto status = complete(state);
  if (status || !misses(status.error(), "upload")) return status;
  // Perhaps completed before, by a request whose answer was lost.
  SEALIFT_TRY(const auto there, stat(state.key));
  if (there == state.size) return {};
  return fail_no_upload();
}

void S3Store::abandon(const UploadState& state) {
  const auto ignored =
      client_.send({.method = "DELETE", .key = state.key.text(), .query = {{"uploadId", state.id}}});
  static_cast<void>(ignored);
}

Status S3Store::put(const ObjectKey& key, ByteView bytes) {
  SEALIFT_CHECK(check_small(key, bytes));
  SEALIFT_CHECK(client_.send({.method = "PUT", .key = key.text(), .body = bytes}));
  return {};
}

Status S3Store::remove(const ObjectKey& key) {
  const auto answer = client_.send({.method = "DELETE", .key = key.text()});
  if (answer || misses(answer.error(), "key")) return {};
  return tl::unexpected{answer.error()};
}

Result<Bytes> S3Store::read(const ObjectKey& key, std::uint64_t offset, std::size_t size) {
  SEALIFT_CHECK(check_read(offset, size));
  auto answer = client_.send({.method = "GET",
                              .key = key.text(),
                              .headers = {{"range", fmt::format("bytes={}-{}", offset, offset + size - 1)}},
                              .body_limit = std::max(size, kErrorBody)});
  if (!answer && misses(answer.error(), "key")) return fail_no_object(key);
  if (!answer) return tl::unexpected{answer.error()};
  if (answer->body.size() > size)
    return fail(ErrorCode::too_large, "the store sent more bytes than were asked for", "size");
  if (answer->status == 206 && answer->body.size() == size) return std::move(answer->body);
  return fail(ErrorCode::truncated, "the object " + key.text() + " ends before that", "size");
}

Result<Location> S3Store::location(const ObjectKey& key, std::chrono::seconds lifetime) {
  SEALIFT_CHECK(check_lifetime(lifetime));
  return Location{client_.presigned(key.text(), lifetime)};
}

}  // namespace sealift::objects
