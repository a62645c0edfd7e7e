// SPDX-License-Identifier: Apache-2.0
/// Result<T>: a value, or the Error that says why there is none. Expected failures use it; a caller's bug is
/// an assertion; exceptions are for out-of-memory only and end at the edge of a library.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace sealift {

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  // tl's own * and -> are unchecked: on an error they would hand out garbage bytes.
  const T& operator*() const& { return this->value(); }
  T& operator*() & { return this->value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &this->value(); }
  T* operator->() { return &this->value(); }
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
};

using Status = Result<void>;

/// `return fail(ErrorCode::truncated, "message", "field", "detail for the log");`
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string field = {},
                                  std::string detail = {}) {
  return tl::unexpected(Error{code, std::move(message), std::move(field), std::move(detail)});
}

/// The same for a value that is not the expected one. Both are public: they are shown and logged.
inline tl::unexpected<Error> differs(ErrorCode code, std::string message, std::string field,
                                     std::string expected, std::string found) {
  return tl::unexpected(
      Error{code, std::move(message), std::move(field), {}, std::move(expected), std::move(found)});
}

}  // namespace sealift

#define SEALIFT_CONCAT_IMPL(a, b) a##b
#define SEALIFT_CONCAT(a, b) SEALIFT_CONCAT_IMPL(a, b)
#define SEALIFT_TRY_IMPL(tmp, decl, ...)                                     \
  auto tmp = (__VA_ARGS__);                                                  \
  if (!tmp) return tl::unexpected<::sealift::Error>(std::move(tmp).error()); \
  decl = std::move(tmp).value()
/// SEALIFT_TRY(const auto x, f()): x is f's value, or this function returns f's error. Always inside braces.
#define SEALIFT_TRY(decl, ...) SEALIFT_TRY_IMPL(SEALIFT_CONCAT(sealift_try_, __LINE__), decl, __VA_ARGS__)
/// SEALIFT_CHECK(f()): go on if f succeeded, else return its error.
#define SEALIFT_CHECK(...)                                                       \
  do {                                                                           \
    if (auto sealift_check = (__VA_ARGS__); !sealift_check)                      \
      return tl::unexpected<::sealift::Error>(std::move(sealift_check).error()); \
  } while (false)
