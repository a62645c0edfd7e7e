// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/explain.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "tee/approval_files.h"
#include "tpm/reference.h"

namespace sealift::ultravisor {
namespace {

namespace fs = std::filesystem;

struct Departure {
  std::string from;  ///< which approved state, for people
  tpm::EventDifference difference;
};

Result<tpm::EventLog> read_log(const fs::path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, tpm::EventLog::kSizeLimit));
  return tpm::EventLog::parse(bytes);
}

bool leads_to(const tpm::EventLog& log, const tpm::PcrValues& state) {
  const auto values = log.replay();
  return std::ranges::all_of(state.values(), [&](const tpm::PcrValue& value) {
    return std::ranges::find(values, value) != values.end();
  });
}

/// Of `ours` from `approved`; none where they do not differ, or cannot be compared.
std::optional<tpm::EventDifference> departure(const tpm::EventLog& ours, const tpm::EventLog& approved) {
  const auto difference = tpm::first_difference(ours, approved, tpm::HashAlgorithm::sha256);
  return difference ? *difference : std::nullopt;
}

void keep_later(std::optional<Departure>& best, std::string from,
                std::optional<tpm::EventDifference> difference) {
  if (difference && (!best || difference->index > best->difference.index))
    best = Departure{std::move(from), *std::move(difference)};
}

/// From the states that the approvals name and whose logs are beside them.
void compare_with_approved(const tpm::EventLog& ours, const fs::path& directory,
                           std::optional<Departure>& best) {
  const auto files = tee::read_approval_files(directory);
  if (!files) return;
  std::error_code error;
  fs::directory_iterator entry{directory, error};
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    if (entry->path().extension() != ".eventlog" || !entry->is_regular_file(error)) continue;
    const auto log = read_log(entry->path());
    if (!log) continue;
    const auto approval = std::ranges::find_if(
        files->approvals, [&](const tpm::Approval& one) { return leads_to(*log, one.state); });
    if (approval != files->approvals.end())
      keep_later(best, fmt::format(" \"{}\"", approval->name), departure(ours, *log));
  }
}

}  // namespace

Error explain(Error error, const Records& records, int reference) {
  if (error.code != ErrorCode::pcr_differs) return error;
  const auto ours = read_log(records.event_log);
  if (!ours) return error;
  std::optional<Departure> best;
  if (!records.approvals.empty()) compare_with_approved(*ours, records.approvals, best);
  if (reference >= 0) {
    if (const auto given = read_log(fmt::format("/proc/self/fd/{}", reference)))
      keep_later(best, {}, departure(*ours, *given));
  }
  if (!best) return error;
  const auto& event = best->difference;
  error.field = fmt::format("pcr{}.{}", event.pcr, event.name);
  error.message =
      fmt::format("PCR {} has another value than approved{}; event {} '{}' is the first that differs",
                  event.pcr, best->from, event.index, event.name);
  error.expected = event.expected;
  error.found = event.found;
  return error;
}

}  // namespace sealift::ultravisor
