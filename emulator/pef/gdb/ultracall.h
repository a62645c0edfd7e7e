// SPDX-License-Identifier: Apache-2.0
/// `sc 2`, an ultracall. QEMU does not know it and delivers it as a system call to real address 0xc00: there
/// the machine is stopped, and from there it goes on as if the ultravisor had returned.
#pragma once

#include "emulator/pef/gdb/client.h"
#include "emulator/pef/gdb/registers.h"
#include "emulator/pef/guest/secure_mode.h"

namespace sealift::pef {

class UltracallTrap {
 public:
  /// On a machine that has not started yet.
  static Result<UltracallTrap> set(GdbClient client);

  /// Lets the machine run until it executes UV_ESM. guest_failed where it makes a system call first: it has
  /// not asked for secure mode, and will not.
  Result<EsmCall> await_esm(GdbClient::Clock::time_point deadline);
  /// malformed at "processors" where another processor of the machine runs: it would go on beside what was
  /// verified.
  Status expect_alone();
  /// The ultracall returns `code`; the machine runs on, and nothing stops it any more.
  Status answer(UltracallCode code);
  /// The ultracall ends where the verified kernel begins, with nothing in the processor but the places of
  /// tree and kernel: its caller, registers and stack are what the guest was before, and nobody verified
  /// those. A processor that waits would find the same, whatever wakes it (adr/0024).
  Status enter(const EsmCall& call);

 private:
  UltracallTrap(GdbClient client, Registers registers)
      : client_{std::move(client)}, registers_{std::move(registers)} {}
  /// All but the one that asks.
  Result<std::vector<std::string>> other_processors();
  Status forget_all_but(const EsmCall& call);
  Result<Bytes> read(std::string_view name);
  Result<std::uint64_t> read_number(std::string_view name);
  Status write(std::string_view name, ByteView value);
  Bytes as_the_stub_has_it(std::uint64_t value) const;

  GdbClient client_;
  Registers registers_;
  std::string caller_;  // the processor that asks, as the stub names it
  bool big_endian_ = true;
};

}  // namespace sealift::pef
