// SPDX-License-Identifier: Apache-2.0
#include "objects/http.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <memory>

namespace sealift::objects {
namespace {

constexpr std::size_t kIdleHandles = 8;
constexpr long kSlowest = 64L * 1024;  // bytes per second
constexpr long kConnectSeconds = 10;
constexpr std::array<std::string_view, 2> kKeptHeaders{"etag", "content-length"};
constexpr std::size_t kMaxHeader = 1024;

void start_curl_once() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) std::abort();
}

/// One transfer as curl's callbacks see it. An error set here is the transfer's.
struct Transfer {
  const HttpRequest& request;
  HttpAnswer answer{};
  Status status{};
  bool unwanted = false;  ///< the body was not what the request is for, and was not read
  CURL* handle;

  int response_code() const {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
};

std::string lower_case(std::string_view text) {
  std::string lower{text};
  for (auto& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& answer = static_cast<Transfer*>(user)->answer;
  const std::string_view line{data, size};
  // An interim answer (100) comes before the real one.
  if (line.starts_with("HTTP/")) answer.headers.clear();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || size > kMaxHeader) return size;
  auto name = lower_case(line.substr(0, colon));
  if (std::ranges::find(kKeptHeaders, name) == kKeptHeaders.end()) return size;
  answer.headers[std::move(name)] = trimmed(line.substr(colon + 1));
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto piece = as_bytes({data, size});
  constexpr int kPartialContent = 206;
  if (transfer.request.sink) {
    transfer.unwanted = transfer.response_code() != kPartialContent;
    if (!transfer.unwanted) transfer.status = transfer.request.sink(piece);
    return transfer.unwanted || !transfer.status ? 0 : size;
  }
  auto& body = transfer.answer.body;
  if (piece.size() > transfer.request.body_limit - body.size()) {
    transfer.status =
        fail(ErrorCode::too_large, fmt::format("the answer of {} has more than {} bytes",
                                               shown(transfer.request.url), transfer.request.body_limit));
    return 0;
  }
  body.insert(body.end(), piece.begin(), piece.end());
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.request.stop.stop_requested()) return 0;
  transfer.status = fail(ErrorCode::canceled, "the transfer was interrupted");
  return 1;
}

template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
  [[maybe_unused]] const auto result = curl_easy_setopt(handle, option, value);
  assert(result == CURLE_OK);
}

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

HeaderList header_list(const HttpRequest& request) {
  HeaderList list{nullptr, curl_slist_free_all};
  const auto add = [&](const std::string& line) {
    auto* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc{};
    [[maybe_unused]] auto* const same = list.release();
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers) add(name + ": " + value);
  // Without a value, curl leaves out what it would add by itself.
  add("Expect:");
  add("Content-Type:");
  return list;
}

void set_method(CURL* handle, const HttpRequest& request) {
  if (request.method == "HEAD") {
    set(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(handle, CURLOPT_POSTFIELDS, request.body.empty() ? "" : as_text(request.body).data());
    set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void set_bounds(CURL* handle, const HttpRequest& request, bool insecure_http) {
  set(handle, CURLOPT_PROTOCOLS_STR, insecure_http ? "https,http" : "https");
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle, CURLOPT_HTTP09_ALLOWED, 0L);
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_PROXY, "");
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(handle, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  set(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.patience.count()));
}

void set_callbacks(CURL* handle, Transfer& transfer) {
  set(handle, CURLOPT_HEADERFUNCTION, &on_header);
  set(handle, CURLOPT_HEADERDATA, &transfer);
  set(handle, CURLOPT_WRITEFUNCTION, &on_body);
  set(handle, CURLOPT_WRITEDATA, &transfer);
  set(handle, CURLOPT_NOPROGRESS, 0L);
  set(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(handle, CURLOPT_XFERINFODATA, &transfer);
}

tl::unexpected<Error> failure(CURLcode code, const HttpRequest& request, const char* reason) {
  const auto what =
      fmt::format("{}: {}", shown(request.url), *reason == 0 ? curl_easy_strerror(code) : reason);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return fail(ErrorCode::timeout, what);
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(ErrorCode::authentication_failed, what, "certificate");
    case CURLE_SSL_CACERT_BADFILE:
      return fail(ErrorCode::invalid_argument, what, "ca_file");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return fail(ErrorCode::invalid_argument, what, "url");
    default:
      return fail(ErrorCode::unavailable, what);
  }
}

}  // namespace

std::string shown(std::string_view url) { return std::string{url.substr(0, url.find('?'))}; }

HttpClient::HttpClient(std::filesystem::path ca_file, bool insecure_http)
    : ca_file_{std::move(ca_file)}, insecure_http_{insecure_http} {
  start_curl_once();
}

HttpClient::~HttpClient() {
  for (auto* const handle : idle_) curl_easy_cleanup(handle);
}

void* HttpClient::take_handle() {
  const std::lock_guard lock{mutex_};
  if (!idle_.empty()) {
    auto* const handle = idle_.back();
    idle_.pop_back();
    return handle;
  }
  auto* const handle = curl_easy_init();
  if (handle == nullptr) throw std::bad_alloc{};
  return handle;
}

void HttpClient::give_back(void* handle) {
  curl_easy_reset(handle);  // keeps its connections
  const std::lock_guard lock{mutex_};
  if (idle_.size() < kIdleHandles) {
    idle_.push_back(handle);
  } else {
    curl_easy_cleanup(handle);
  }
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request) {
  const std::unique_ptr<void, std::function<void(void*)>> owner{take_handle(),
                                                                [this](void* used) { give_back(used); }};
  CURL* const handle = owner.get();
  Transfer transfer{.request = request, .handle = handle};
  std::array<char, CURL_ERROR_SIZE> reason{};
  const auto headers = header_list(request);
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set(handle, CURLOPT_ERRORBUFFER, reason.data());
  set_method(handle, request);
  set_bounds(handle, request, insecure_http_);
  set_callbacks(handle, transfer);
  if (!ca_file_.empty()) {
    set(handle, CURLOPT_CAINFO, ca_file_.c_str());
    // Debian's curl trusts this directory's as well otherwise.
    set(handle, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  const auto code = curl_easy_perform(handle);
  if (!transfer.status) return tl::unexpected{transfer.status.error()};
  if (code != CURLE_OK && !transfer.unwanted) return failure(code, request, reason.data());
  transfer.answer.status = transfer.response_code();
  return std::move(transfer.answer);
}

}  // namespace sealift::objects
