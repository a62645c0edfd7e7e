// SPDX-License-Identifier: Apache-2.0
/// The register pages that SEV-ES measures (AMD64 Architecture Programmer's Manual, volume 2, appendix B,
/// table B-4: VMSA), as QEMU and KVM fill them at power-on. What is filled differs between their versions, so
/// it is data.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sev {

/// One field of the page that is not zero.
struct VmsaField {
  std::uint16_t offset;
  std::uint8_t size;  ///< bytes
  std::uint64_t value;
};

struct VmsaTemplate {
  std::string_view name;
  std::string_view what;                   ///< who fills it so
  std::span<const VmsaField> differences;  ///< to what all fill in
};

/// The usual one first.
std::span<const VmsaTemplate> vmsa_templates();

/// CPUID's signature, which vCPUs start with in RDX: of the CPU model that QEMU shows the guest.
struct CpuModel {
  std::uint32_t family;
  std::uint32_t model;
  std::uint32_t stepping;
};
/// Of QEMU's models (target/i386/cpu.c): "EPYC", "EPYC-Rome", "EPYC-Milan". unsupported for others.
Result<CpuModel> cpu_model(std::string_view name);
/// CPUID Fn0000_0001 EAX (APM volume 3, appendix E.3.2).
std::uint32_t cpuid_signature(const CpuModel& cpu);

/// The page of the first vCPU, which starts at the reset vector.
Bytes first_vmsa(const VmsaTemplate& shape, const CpuModel& cpu);
/// The page of every other, which starts where OVMF says (OvmfFooter::reset_address).
Bytes other_vmsa(const VmsaTemplate& shape, const CpuModel& cpu, std::uint32_t reset_address);

}  // namespace sealift::sev
