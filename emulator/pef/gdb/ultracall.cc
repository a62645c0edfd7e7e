// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/ultracall.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sealift::pef {
namespace {

constexpr std::uint64_t kEsm = 0xf110;
constexpr std::string_view kBreakpoint = "1,c00,4";  // hardware; the system call vector
constexpr std::array<std::string_view, 11> kNeeded{"r3", "r4", "r5",  "r6",   "r7",  "r8",
                                                   "r9", "pc", "msr", "srr0", "srr1"};
constexpr std::size_t kRegisterSize = 8;
constexpr std::size_t kMaxProcessors = 1024;
// Power ISA 3.0B, Book III: MSR bits 0 (SF) and 51 (ME), real mode and big-endian, as boot loaders enter
// kernels.
constexpr std::uint64_t kEntryState = 1ULL << 63U | 1ULL << 12U;

Status check_registers(const Registers& registers) {
  for (const auto name : kNeeded) {
    const auto found = registers.find(name);
    if (found != registers.end() && found->second.bits == 8 * kRegisterSize) continue;
    return fail(ErrorCode::unsupported, fmt::format("QEMU shows no 64-bit register {}", name), "gdb");
  }
  return {};
}

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes) value = value << 8U | byte;
  return value;
}

Bytes reversed(Bytes bytes) {
  std::ranges::reverse(bytes);
  return bytes;
}

}  // namespace

Result<UltracallTrap> UltracallTrap::set(GdbClient client) {
  SEALIFT_TRY(const auto features, client.ask("qSupported:xmlRegisters=powerpc"));
  SEALIFT_TRY(auto registers, read_registers([&](const std::string& name) { return client.document(name); }));
  SEALIFT_CHECK(check_registers(registers));
  SEALIFT_CHECK(client.order(fmt::format("Z{}", kBreakpoint)));
  return UltracallTrap{std::move(client), std::move(registers)};
}

Result<Bytes> UltracallTrap::read(std::string_view name) {
  SEALIFT_TRY(const auto text, client_.ask(fmt::format("p{:x}", registers_.find(name)->second.number)));
  auto value = from_hex(text);
  if (value && value->size() == kRegisterSize) return value;
  return fail(ErrorCode::malformed, fmt::format("QEMU's value of register {} is none", name), "gdb");
}

Result<std::uint64_t> UltracallTrap::read_number(std::string_view name) {
  SEALIFT_TRY(const auto value, read(name));
  return big_endian(big_endian_ ? value : reversed(value));
}

Status UltracallTrap::write(std::string_view name, ByteView value) {
  return client_.order(fmt::format("P{:x}={}", registers_.find(name)->second.number, to_hex(value)));
}

Bytes UltracallTrap::as_the_stub_has_it(std::uint64_t value) const {
  ByteWriter writer;
  const auto bytes = writer.be64(value).view();
  return big_endian_ ? bytes : reversed(bytes);
}

Result<EsmCall> UltracallTrap::await_esm(GdbClient::Clock::time_point deadline) {
  SEALIFT_CHECK(client_.resume());
  SEALIFT_TRY(const auto stop, client_.next_stop(deadline));
  SEALIFT_TRY(const auto number, read("r3"));
  // The stub has registers in the processor's present byte order; the ultracall's number shows which that is.
  big_endian_ = big_endian(number) == kEsm;
  if (!big_endian_ && big_endian(reversed(number)) != kEsm) {
    return fail(ErrorCode::guest_failed, "the guest went on without asking for secure mode", "guest");
  }
  SEALIFT_TRY(caller_, client_.ask("qC"));
  caller_.erase(0, 2);  // "QC01"
  EsmCall call;
  SEALIFT_TRY(call.kernel_base, read_number("r4"));
  SEALIFT_TRY(call.fdt_address, read_number("r5"));
  return call;
}

Result<std::vector<std::string>> UltracallTrap::other_processors() {
  std::vector<std::string> all;
  SEALIFT_TRY(auto answer, client_.ask("qfThreadInfo"));
  while (answer.starts_with('m') && all.size() < kMaxProcessors) {
    for (std::size_t start = 1; start <= answer.size();) {
      const auto end = std::min(answer.find(',', start), answer.size());
      all.push_back(answer.substr(start, end - start));
      start = end + 1;
    }
    SEALIFT_TRY(answer, client_.ask("qsThreadInfo"));
  }
  if (answer != "l") return fail(ErrorCode::malformed, "QEMU's list of processors has no end", "gdb");
  if (std::erase(all, caller_) == 1) return all;
  return fail(ErrorCode::malformed, "QEMU does not list the processor that asks", "gdb");
}

Status UltracallTrap::expect_alone() {
  SEALIFT_TRY(const auto others, other_processors());
  for (const auto& other : others) {
    SEALIFT_TRY(const auto hex, client_.ask("qThreadExtraInfo," + other));  // "CPU#1 [halted ]"
    SEALIFT_TRY(const auto state, from_hex(hex));
    if (as_text(state).ends_with("[halted ]")) continue;
    return fail(ErrorCode::malformed, "another processor of the guest runs: it could alter what is verified",
                "processors");
  }
  return {};
}

Status UltracallTrap::answer(UltracallCode code) {
  SEALIFT_TRY(const auto address, read("srr0"));
  SEALIFT_TRY(const auto state, read("srr1"));
  SEALIFT_CHECK(client_.order(fmt::format("z{}", kBreakpoint)));
  SEALIFT_CHECK(write("r3", as_the_stub_has_it(static_cast<std::uint64_t>(code))));
  SEALIFT_CHECK(write("pc", address));
  SEALIFT_CHECK(write("msr", state));  // last: it changes the byte order in which the stub takes the others
  return client_.resume();
}

/// Of the processor that the stub talks about.
Status UltracallTrap::forget_all_but(const EsmCall& call) {
  SEALIFT_TRY(const auto state, read("msr"));
  big_endian_ = (state.front() & 1U) == 0;  // MSR.LE comes first where the stub swaps bytes
  SEALIFT_CHECK(write("msr", as_the_stub_has_it(kEntryState)));
  big_endian_ = true;  // from here on it is
  SEALIFT_CHECK(write("pc", as_the_stub_has_it(call.kernel_base)));
  SEALIFT_CHECK(write("r3", as_the_stub_has_it(call.fdt_address)));
  SEALIFT_CHECK(write("r4", as_the_stub_has_it(call.kernel_base)));
  for (const auto name : {"r5", "r6", "r7", "r8", "r9"}) SEALIFT_CHECK(write(name, as_the_stub_has_it(0)));
  return {};
}

Status UltracallTrap::enter(const EsmCall& call) {
  SEALIFT_TRY(auto processors, other_processors());
  processors.push_back(caller_);
  for (const auto& each : processors) {
    SEALIFT_CHECK(client_.order("Hg" + each));
    SEALIFT_CHECK(forget_all_but(call));
  }
  SEALIFT_CHECK(client_.order(fmt::format("z{}", kBreakpoint)));
  return client_.resume();
}

}  // namespace sealift::pef
