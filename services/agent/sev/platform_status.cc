// SPDX-License-Identifier: Apache-2.0
#include "services/agent/sev/platform_status.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include "base/file.h"

namespace sealift::agent {

Result<SevPlatformStatus> sev_platform_status(const std::filesystem::path& device) {
  SEALIFT_TRY(const auto fd, open_file(device, O_RDWR));
  sev_user_data_status status{};
  sev_issue_cmd command{};
  command.cmd = SEV_PLATFORM_STATUS;
  command.data = reinterpret_cast<std::uintptr_t>(&status);
  if (::ioctl(fd.get(), SEV_ISSUE_CMD, &command) != 0)
    return fail(ErrorCode::io_error,
                fmt::format("the PSP does not tell its status: error {}", std::uint32_t{command.error}),
                device.string());
  return SevPlatformStatus{status.api_major, status.api_minor, status.build, status.state,
                           status.guest_count};
}

}  // namespace sealift::agent
