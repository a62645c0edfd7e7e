// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/launch.h"

#include <fmt/core.h>

#include "base/file.h"
#include "crypto/base64.h"
#include "emulator/sev/boot_header.h"
#include "tee/sev/launch_digest.h"

namespace sealift::emulator {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTextLimit = 16 * 1024;
constexpr std::size_t kFileLimit = 1U << 30U;

Status checked(const char* command, PspStatus status) {
  if (status == PspStatus::success) return {};
  return fail(ErrorCode::failed_precondition, fmt::format("{} {}", command, firmware_error(status)), command);
}

/// Base64 on one line, as libvirt and QEMU have it.
Result<Bytes> read_base64(const fs::path& file) {
  SEALIFT_TRY(const auto bytes, read_file(file, kTextLimit));
  auto text = as_text(bytes);
  while (text.ends_with('\n')) text.remove_suffix(1);
  return crypto::from_base64(text);
}

Result<Bytes> read_optional(const fs::path& file) {
  if (file.empty()) return Bytes{};
  return read_file(file, kFileLimit);
}

Result<Guest> start(const Platform& platform, const SevObject& object) {
  SEALIFT_TRY(const auto godh, read_base64(object.godh));
  SEALIFT_TRY(const auto session, read_base64(object.session));
  auto guest = Guest::start(platform, object.policy, godh, session);
  if (!guest) SEALIFT_CHECK(checked("LAUNCH_START", guest.error()));
  return std::move(*guest);
}

/// Measures the table of the files; gives the one for the firmware: boot_header.h.
Result<Bytes> measure_kernel(const Vm& vm, Guest& guest) {
  SEALIFT_TRY(const auto kernel, read_file(vm.kernel, kFileLimit));
  SEALIFT_TRY(const auto initrd, read_optional(vm.initrd));
  auto hashes = sev::hash_kernel(kernel, initrd, vm.cmdline);
  SEALIFT_CHECK(checked("LAUNCH_UPDATE_DATA", guest.update_data(sev::hash_table(hashes))));
  SEALIFT_TRY(const auto loaded, kernel_as_loaded(kernel, initrd.size(), vm.memory));
  hashes.kernel = crypto::digest(crypto::HashAlgorithm::sha256, loaded);
  return sev::hash_table(hashes);
}

}  // namespace

std::string firmware_error(PspStatus status) {
  return fmt::format("ret=-5 fw_error={} '{}'", static_cast<int>(status), text(status));
}

Result<Launch> launch(const Platform& platform, const Vm& vm) {
  if (vm.sev->policy.has(sev::PolicyBit::es))
    return fail(ErrorCode::unsupported, "the emulator has no encrypted registers: leave ES out", "policy");
  SEALIFT_TRY(const auto firmware, read_file(vm.firmware, sev::kFirmwareLimit));
  SEALIFT_TRY(const auto footer, sev::OvmfFooter::parse(firmware));
  SEALIFT_TRY(auto guest, start(platform, *vm.sev));
  SEALIFT_CHECK(checked("LAUNCH_UPDATE_DATA", guest.update_data(firmware)));
  Bytes table;
  if (vm.sev->kernel_hashes) {
    SEALIFT_TRY(const auto area, footer.need_hash_table_area());
    SEALIFT_TRY(table, measure_kernel(vm, guest));
    if (area.size < table.size())
      return fail(ErrorCode::sev_firmware_unsuitable, "the firmware's room for hashes is too small",
                  "firmware.hash_table_area");
  }
  const auto measurement = guest.measure();
  if (!measurement) SEALIFT_CHECK(checked("LAUNCH_MEASURE", measurement.error()));
  return Launch{std::move(guest), *measurement, footer, std::move(table)};
}

}  // namespace sealift::emulator
