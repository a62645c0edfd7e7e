// SPDX-License-Identifier: Apache-2.0
#include "emulator/sev/launch.h"

#include <fmt/core.h>

#include "base/file.h"
#include "crypto/base64.h"
#include "tee/sev/launch_digest.h"
#include "tee/sev/vmm_kernel.h"
#include "tee/sev/vmsa.h"

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

/// Below q35's first hole (hw/i386/pc_q35.c).
std::uint32_t low_memory(std::uint64_t memory) {
  constexpr std::uint64_t kHole = 0xB0000000;
  constexpr std::uint32_t kBelowHole = 0x80000000;
  return memory >= kHole ? kBelowHole : static_cast<std::uint32_t>(memory);
}

/// Measures the table of the files; gives the one for the firmware. Without SEV, QEMU edits the kernel before
/// the firmware hashes it (tee/sev/vmm_kernel.h): what the firmware compares is the edited one's hash.
Result<Bytes> measure_kernel(const Vm& vm, Guest& guest) {
  SEALIFT_TRY(const auto kernel, read_file(vm.kernel, kFileLimit));
  SEALIFT_TRY(const auto initrd, read_optional(vm.initrd));
  auto hashes = sev::hash_kernel(kernel, initrd, vm.cmdline);
  SEALIFT_CHECK(checked("LAUNCH_UPDATE_DATA", guest.update_data(sev::hash_table(hashes))));
  const auto loaded =
      sev::kernel_as_qemu_edits(kernel, static_cast<std::uint32_t>(initrd.size()), low_memory(vm.memory));
  hashes.kernel = crypto::digest(crypto::HashAlgorithm::sha256, loaded);
  return sev::hash_table(hashes);
}

/// The pages that KVM would have. They are measured alone: under TCG nothing of a guest is encrypted.
Status measure_registers(const Vm& vm, const sev::OvmfFooter& footer, Guest& guest) {
  SEALIFT_TRY(const auto cpu, sev::cpu_model(vm.cpu));
  const auto& shape = sev::vmsa_templates().front();
  SEALIFT_CHECK(checked("LAUNCH_UPDATE_VMSA", guest.update_vmsa(first_vmsa(shape, cpu))));
  if (vm.vcpus == 1) return {};
  SEALIFT_TRY(const auto reset, footer.need_reset_address());
  const auto others = other_vmsa(shape, cpu, reset);
  for (std::uint32_t i = 1; i < vm.vcpus; ++i)
    SEALIFT_CHECK(checked("LAUNCH_UPDATE_VMSA", guest.update_vmsa(others)));
  return {};
}

}  // namespace

std::string firmware_error(PspStatus status) {
  return fmt::format("ret=-5 fw_error={} '{}'", static_cast<int>(status), text(status));
}

Result<Launch> launch(const Platform& platform, const Vm& vm) {
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
  if (vm.sev->policy.has(sev::PolicyBit::es)) SEALIFT_CHECK(measure_registers(vm, footer, guest));
  const auto measurement = guest.measure();
  if (!measurement) SEALIFT_CHECK(checked("LAUNCH_MEASURE", measurement.error()));
  return Launch{std::move(guest), *measurement, footer, std::move(table)};
}

}  // namespace sealift::emulator
