// SPDX-License-Identifier: Apache-2.0
#include "services/ultravisor/domain/explain.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/file.h"
#include "tpm/reference.h"

namespace sealift::ultravisor {
namespace {

Result<tpm::EventLog> read_log(const std::filesystem::path& path) {
  SEALIFT_TRY(const auto bytes, read_file(path, tpm::EventLog::kSizeLimit));
  return tpm::EventLog::parse(bytes);
}

}  // namespace

Error explain(Error error, const std::filesystem::path& event_log, int reference) {
  if (error.code != ErrorCode::pcr_differs || reference < 0) return error;
  const auto ours = read_log(event_log);
  const auto approved = read_log(fmt::format("/proc/self/fd/{}", reference));
  if (!ours || !approved) return error;
  const auto difference = tpm::first_difference(*ours, *approved, tpm::HashAlgorithm::sha256);
  if (!difference || !*difference) return error;
  error.field = fmt::format("pcr{}.{}", (*difference)->pcr, (*difference)->name);
  error.message =
      fmt::format("PCR {} has another value than approved; event {} '{}' is the first that differs",
                  (*difference)->pcr, (*difference)->index, (*difference)->name);
  error.expected = (*difference)->expected;
  error.found = (*difference)->found;
  return error;
}

}  // namespace sealift::ultravisor
