// SPDX-License-Identifier: Apache-2.0
/// Our errors as what an orchestrator reads, and which of its own answers are its last word.
#pragma once

#include "base/error.h"
#include "sealift/v1/launches.pb.h"

namespace sealift::agent {

/// Printable characters, at most kMaxText of a text.
v1::Refusal to_refusal(const Error& error);
/// Asking again would bring the same answer.
bool is_final_answer(ErrorCode code) noexcept;

}  // namespace sealift::agent
