// SPDX-License-Identifier: Apache-2.0
#include "objects/fetch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "objects/partial_file.h"

namespace sealift::objects {
namespace {

constexpr std::size_t kPiece = 1U << 20U;
constexpr std::size_t kMaxUrl = 8192;
constexpr std::string_view kDirectory = "dir:";

tl::unexpected<Error> fail_stopped() { return fail(ErrorCode::canceled, "the transfer was interrupted"); }

Result<UniqueFd> open_object(const std::filesystem::path& path) {
  // A pipe of that name must not make us wait.
  SEALIFT_TRY(auto fd, open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("stat " + path.string());
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::malformed, path.string() + " is not a file");
  return fd;
}

/// An answer after which bytes are still missing.
tl::unexpected<Error> fail_answer(int status, const std::string& url) {
  const auto say = [&](ErrorCode code, std::string_view what) {
    return fail(code, fmt::format("{}: {} ({})", shown(url), what, status), "url");
  };
  constexpr int kPartialContent = 206;
  constexpr int kNoSuchRange = 416;
  constexpr int kTooManyRequests = 429;
  if (status == kPartialContent || status == kNoSuchRange)
    return fail(ErrorCode::object_differs, shown(url) + ": the object is shorter than expected", "size");
  if (status == 401 || status == 403)
    return say(ErrorCode::permission_denied, "it is not good, or not any more");
  if (status == 404) return say(ErrorCode::not_found, "the store has no such object");
  if (status >= 500 || status == kTooManyRequests)
    return say(ErrorCode::unavailable, "the store cannot answer at present");
  return say(ErrorCode::unsupported, "the store redirects, or sends no ranges");
}

}  // namespace

Fetcher::Fetcher(FetchOptions options)
    : options_{std::move(options)}, http_{options_.ca_file, options_.insecure_http} {}

Status Fetcher::copy(const ObjectKey& key, PartialFile& file, const std::stop_token& stop) const {
  SEALIFT_TRY(const auto fd, open_object(options_.directory / key.text()));
  SEALIFT_TRY(const auto size, file_size(fd.get()));
  if (size != file.size())
    return differs(ErrorCode::object_differs,
                   fmt::format("the object has {} bytes, not {}", size, file.size()), "size",
                   std::to_string(file.size()), std::to_string(size));
  Bytes piece;
  while (!file.complete()) {
    if (stop.stop_requested()) return fail_stopped();
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, file.size() - file.arrived())));
    SEALIFT_CHECK(pread_exact(fd.get(), piece, file.arrived()));
    SEALIFT_CHECK(file.append(piece));
  }
  return {};
}

Status Fetcher::download(const std::string& url, PartialFile& file, const std::stop_token& stop) {
  Retry retry{options_.retry, stop};
  while (!file.complete()) {
    const auto before = file.arrived();
    const auto answer =
        http_.send({.method = "GET",
                    .url = url,
                    .headers = {{"range", fmt::format("bytes={}-{}", before, file.size() - 1)}},
                    .sink = [&file](ByteView piece) { return file.append(piece); },
                    .patience = options_.patience,
                    .stop = stop});
    if (answer && file.complete()) break;
    // A few bytes at a time are no progress: a fetch would never end.
    if (file.arrived() - before >= kPiece) retry.reset();
    const Status status = answer ? fail_answer(answer->status, url) : tl::unexpected{answer.error()};
    if (!retry.again(status.error())) return stop.stop_requested() ? Status{fail_stopped()} : status;
  }
  return {};
}

Status Fetcher::transfer(const Location& location, PartialFile& file, const std::stop_token& stop) {
  const std::string_view url{location.url};
  if (url.starts_with(kDirectory) && !options_.directory.empty()) {
    SEALIFT_TRY(const auto key, ObjectKey::parse(url.substr(kDirectory.size())));
    return copy(key, file, stop);
  }
  const bool spoken = url.starts_with("https://") || (options_.insecure_http && url.starts_with("http://"));
  if (spoken && url.size() <= kMaxUrl) return download(location.url, file, stop);
  return fail(ErrorCode::invalid_argument, "this host does not fetch from such a location", "url");
}

Status Fetcher::fetch(const Location& location, const WantedObject& wanted,
                      const std::filesystem::path& destination, Progress& progress,
                      const std::stop_token& stop) {
  if (wanted.size == 0 || wanted.size > kMaxObjectSize)
    return fail(ErrorCode::invalid_argument, fmt::format("an object has 1 to {} bytes", kMaxObjectSize),
                "size");
  SEALIFT_TRY(auto file, PartialFile::open(destination, wanted.size, progress));
  // What is there from an earlier attempt may be of something else: it gets a second chance.
  for (bool resumed = file.arrived() > 0;; resumed = false) {
    SEALIFT_CHECK(transfer(location, file, stop));
    const auto status = file.publish(wanted.sha512, wanted.lasting);
    if (status || status.error().code != ErrorCode::object_differs) return status;
    SEALIFT_CHECK(file.restart());
    if (!resumed) return status;
  }
}

}  // namespace sealift::objects
