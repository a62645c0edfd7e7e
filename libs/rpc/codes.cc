// SPDX-License-Identifier: Apache-2.0
#include "rpc/codes.h"

#include <algorithm>
#include <array>

namespace sealift::rpc {
namespace {

constexpr ConnectCode kCanceled{"canceled", 499, ErrorCode::canceled};
constexpr ConnectCode kUnknown{"unknown", 500, ErrorCode::internal};
constexpr ConnectCode kInvalidArgument{"invalid_argument", 400, ErrorCode::invalid_argument};
constexpr ConnectCode kDeadlineExceeded{"deadline_exceeded", 504, ErrorCode::timeout};
constexpr ConnectCode kNotFound{"not_found", 404, ErrorCode::not_found};
constexpr ConnectCode kAlreadyExists{"already_exists", 409, ErrorCode::already_exists};
constexpr ConnectCode kPermissionDenied{"permission_denied", 403, ErrorCode::permission_denied};
constexpr ConnectCode kResourceExhausted{"resource_exhausted", 429, ErrorCode::resource_exhausted};
constexpr ConnectCode kFailedPrecondition{"failed_precondition", 400, ErrorCode::failed_precondition};
constexpr ConnectCode kAborted{"aborted", 409, ErrorCode::conflict};
constexpr ConnectCode kOutOfRange{"out_of_range", 400, ErrorCode::invalid_argument};
constexpr ConnectCode kUnimplemented{"unimplemented", 501, ErrorCode::unimplemented};
constexpr ConnectCode kInternal{"internal", 500, ErrorCode::internal};
constexpr ConnectCode kUnavailable{"unavailable", 503, ErrorCode::unavailable};
constexpr ConnectCode kDataLoss{"data_loss", 500, ErrorCode::io_error};
constexpr ConnectCode kUnauthenticated{"unauthenticated", 401, ErrorCode::unauthenticated};

constexpr std::array kAll{&kCanceled,           &kUnknown,       &kInvalidArgument,  &kDeadlineExceeded,
                          &kNotFound,           &kAlreadyExists, &kPermissionDenied, &kResourceExhausted,
                          &kFailedPrecondition, &kAborted,       &kOutOfRange,       &kUnimplemented,
                          &kInternal,           &kUnavailable,   &kDataLoss,         &kUnauthenticated};

}  // namespace

const ConnectCode& connect_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::truncated:
    case ErrorCode::malformed:
    case ErrorCode::too_large:
    case ErrorCode::unsupported:
      return kInvalidArgument;
    case ErrorCode::not_found:
      return kNotFound;
    case ErrorCode::already_exists:
      return kAlreadyExists;
    case ErrorCode::permission_denied:
      return kPermissionDenied;
    case ErrorCode::no_space:
    case ErrorCode::resource_exhausted:
      return kResourceExhausted;
    case ErrorCode::unavailable:
    case ErrorCode::tpm_unavailable:
      return kUnavailable;
    case ErrorCode::timeout:
      return kDeadlineExceeded;
    case ErrorCode::canceled:
      return kCanceled;
    case ErrorCode::unauthenticated:
      return kUnauthenticated;
    case ErrorCode::unimplemented:
      return kUnimplemented;
    case ErrorCode::conflict:
      return kAborted;
    default:
      break;
  }
  switch (kind(code)) {
    case ErrorKind::refused:
      return kFailedPrecondition;
    case ErrorKind::usage:
      return kInvalidArgument;
    case ErrorKind::environment:
      break;
  }
  return kInternal;
}

const ConnectCode& connect_code_named(std::string_view name) noexcept {
  const auto* const found =
      std::ranges::find_if(kAll, [name](const auto* code) { return code->name == name; });
  return found == kAll.end() ? kUnknown : **found;
}

// https://connectrpc.com/docs/protocol, "HTTP to Error Code".
const ConnectCode& connect_code_for_http(unsigned status) noexcept {
  switch (status) {
    case 400:
      return kInternal;
    case 401:
      return kUnauthenticated;
    case 403:
      return kPermissionDenied;
    case 404:
      return kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return kUnavailable;
    default:
      return kUnknown;
  }
}

}  // namespace sealift::rpc
