// SPDX-License-Identifier: Apache-2.0
#include "cli/reference_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "tpm/event_log.h"

namespace sealift::cli {

Status keep_reference_log(const std::filesystem::path& image, const std::filesystem::path& log) {
  SEALIFT_TRY(const auto bytes, read_file(log, tpm::EventLog::kSizeLimit));
  const auto place = image / kReferenceLogFile;
  const auto present = read_file(place, tpm::EventLog::kSizeLimit);
  if (present && *present == bytes) return {};
  const auto draft = place.string() + ".new";
  SEALIFT_TRY(const auto fd, open_file(draft, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  auto status = write_all(fd.get(), bytes);
  if (status && ::rename(draft.c_str(), place.c_str()) != 0)
    status = fail_errno("rename to " + place.string());
  if (!status) ::unlink(draft.c_str());
  return status;
}

}  // namespace sealift::cli
