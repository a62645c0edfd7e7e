// SPDX-License-Identifier: Apache-2.0
/// What went wrong, in a shape that people, scripts and peers can all use.
///
/// An Error is the contract, all but its `detail`: it may cross a wire and is shown to users, so nothing
/// secret and nothing of another tenant goes into it. `detail` stays in our own log.
#pragma once

#include <string>
#include <string_view>

namespace sealift {

/// Every code Sealift knows. base/error_codes.def has them with their kind and remedy.
enum class ErrorCode {
#define SEALIFT_ERROR_CODE(name, kind, remedy) name,
#include "base/error_codes.def"
#undef SEALIFT_ERROR_CODE
};

/// Which exit status the tools give: 1, 2, 3.
enum class ErrorKind {
  refused = 1,      ///< a check said no, or the input is bad
  usage = 2,        ///< the command was typed wrongly
  environment = 3,  ///< something around us is missing, full or broken
};

struct Error {
  ErrorCode code;
  std::string message;  ///< what was wrong and where, one sentence, no secrets
  std::string field;    ///< first differing or offending field, "" where none applies
  std::string detail;   ///< for our own log only
  /// Of a refusal of public values (digests, PCRs, names, attributes): what `field` had to be and what came.
  /// Both "" where that would say nothing more than the message.
  std::string expected{};
  std::string found{};
};

/// The code's stable name: "kernel_differs".
std::string_view name(ErrorCode code) noexcept;
ErrorKind kind(ErrorCode code) noexcept;
/// What the user can do about it, one sentence.
std::string_view remedy(ErrorCode code) noexcept;
/// The code named `text`; `internal` for a name that is not ours.
ErrorCode error_code_from_name(std::string_view text) noexcept;

}  // namespace sealift
