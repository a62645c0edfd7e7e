// SPDX-License-Identifier: Apache-2.0
/// Why a PCR has another value than the customer approved: the first event in which this boot's log leaves
/// the log of an approved machine. Only words are changed by it, never a verdict.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace sealift::ultravisor {

/// What this machine has to explain with. Nothing of it is trusted.
struct Records {
  std::filesystem::path event_log;  ///< this boot's
  /// Of a machine that is bound to an approver: beside "x.approval" the log of a machine in that state,
  /// "x.eventlog" (tee/approval_files.h). Empty where it has none.
  std::filesystem::path approvals;
};

/// For pcr_differs, `error` with the event in field and message; any other error as it is. `reference` is an
/// open file with the approved machine's event log, -1 where nobody gave one. Of that and of the logs of
/// states that were approved of, the one counts from which this boot departs last.
Error explain(Error error, const Records& records, int reference);

}  // namespace sealift::ultravisor
