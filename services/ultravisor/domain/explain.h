// SPDX-License-Identifier: Apache-2.0
/// Why a PCR has another value than the customer approved: the first event in which this boot's log leaves
/// the log of an approved machine. Only words are changed by it, never a verdict.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace sealift::ultravisor {

/// For pcr_differs, `error` with the event in field and message; any other error as it is. `reference` is an
/// open file with the approved machine's event log, -1 where nobody gave one; neither log is trusted.
Error explain(Error error, const std::filesystem::path& event_log, int reference);

}  // namespace sealift::ultravisor
