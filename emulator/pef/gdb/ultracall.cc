// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/gdb/ultracall.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sealift::pef {
namespace {

constexpr std::uint64_t kEsm = 0xf110;
constexpr std::string_view kBreakpoint = "1,c00,4";  // hardware; the system call vector
constexpr std::array<std::string_view, 7> kNeeded{"r3", "r4", "r5", "pc", "msr", "srr0", "srr1"};
constexpr std::size_t kRegisterSize = 8;

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
  EsmCall call;
  SEALIFT_TRY(call.kernel_base, read_number("r4"));
  SEALIFT_TRY(call.fdt_address, read_number("r5"));
  return call;
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

}  // namespace sealift::pef
