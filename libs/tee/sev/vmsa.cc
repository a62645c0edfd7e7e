// SPDX-License-Identifier: Apache-2.0
#include "tee/sev/vmsa.h"

#include <fmt/core.h>

#include <cassert>

#include "tee/sev/launch_digest.h"

namespace sealift::sev {
namespace {

constexpr std::uint16_t kCsBase = 0x018;
constexpr std::uint16_t kRip = 0x178;
constexpr std::uint16_t kRdx = 0x310;

// Segments are selector u16, attributes u16, limit u32, base u64. APM volume 2, 14.1.3 (values after INIT),
// with QEMU's attributes (target/i386/cpu.c, x86_cpu_reset) and KVM's CR4.MCE, EFER.SVME and PAT.
constexpr VmsaField kCommon[]{
    {0x002, 2, 0x0093},
    {0x004, 4, 0xffff},  // ES
    {0x010, 2, 0xf000},
    {0x012, 2, 0x009b},
    {0x014, 4, 0xffff},
    {kCsBase, 8, 0xffff0000},  // CS
    {0x022, 2, 0x0093},
    {0x024, 4, 0xffff},  // SS
    {0x032, 2, 0x0093},
    {0x034, 4, 0xffff},  // DS
    {0x042, 2, 0x0093},
    {0x044, 4, 0xffff},  // FS
    {0x052, 2, 0x0093},
    {0x054, 4, 0xffff},  // GS
    {0x064, 4, 0xffff},
    {0x084, 4, 0xffff},  // GDTR, IDTR
    {0x072, 2, 0x0082},
    {0x074, 4, 0xffff},  // LDTR
    {0x092, 2, 0x008b},
    {0x094, 4, 0xffff},  // TR
    {0x0d0, 8, 0x1000},  // EFER.SVME
    {0x148, 8, 0x40},
    {0x158, 8, 0x10},  // CR4.MCE, CR0.ET
    {0x160, 8, 0x400},
    {0x168, 8, 0xffff0ff0},  // DR7, DR6
    {0x170, 8, 0x2},
    {kRip, 8, 0xfff0},               // RFLAGS, RIP
    {0x268, 8, 0x0007040600070406},  // PAT
    {0x3e8, 8, 0x1},                 // XCR0
};
constexpr VmsaField kX87[]{{0x408, 4, 0x1f80}, {0x410, 2, 0x037f}};  // MXCSR, FCW
constexpr VmsaField kBusy16[]{{0x092, 2, 0x0083}};                   // TR
constexpr VmsaTemplate kTemplates[]{
    {"qemu", "QEMU with KVM", {}},
    {"qemu-x87", "QEMU with a KVM that fills MXCSR and FCW, too", kX87},
    {"tr16", "a VMM that leaves TR as KVM initialises it", kBusy16},
};

void put(Bytes& page, const VmsaField& field) {
  for (std::size_t i = 0; i < field.size; ++i) {
    page[field.offset + i] = static_cast<std::uint8_t>(field.value >> (8 * i));
  }
}

}  // namespace

std::span<const VmsaTemplate> vmsa_templates() { return kTemplates; }

Result<CpuModel> cpu_model(std::string_view name) {
  if (name == "EPYC") return CpuModel{23, 1, 2};
  if (name == "EPYC-Rome") return CpuModel{23, 49, 0};
  if (name == "EPYC-Milan") return CpuModel{25, 1, 1};
  return fail(ErrorCode::unsupported,
              fmt::format("the registers of a CPU model '{}' at power-on are not known here", name), "cpu");
}

std::uint32_t cpuid_signature(const CpuModel& cpu) {
  constexpr std::uint32_t kBaseFamilies = 0xf;
  const auto family = cpu.family > kBaseFamilies
                          ? kBaseFamilies << 8U | ((cpu.family - kBaseFamilies) & 0xffU) << 20U
                          : cpu.family << 8U;
  return family | (cpu.model & 0xfU) << 4U | ((cpu.model >> 4U) & 0xfU) << 16U | (cpu.stepping & 0xfU);
}

Bytes first_vmsa(const VmsaTemplate& shape, const CpuModel& cpu) {
  Bytes page(kVmsaSize);
  for (const auto& field : kCommon) put(page, field);
  for (const auto& field : shape.differences) put(page, field);
  put(page, {kRdx, 8, cpuid_signature(cpu)});
  return page;
}

Bytes other_vmsa(const VmsaTemplate& shape, const CpuModel& cpu, std::uint32_t reset_address) {
  auto page = first_vmsa(shape, cpu);
  put(page, {kCsBase, 8, reset_address & 0xffff0000U});
  put(page, {kRip, 8, reset_address & 0xffffU});
  return page;
}

}  // namespace sealift::sev
