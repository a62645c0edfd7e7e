// SPDX-License-Identifier: Apache-2.0
// A guest's memory, as edits of one that is genuine: the first byte says whether of its device tree or of its
// initramfs, or that the rest is a device tree of its own. Refusing is a right answer; letting in a guest
// whose measured parts are not the sealed ones is not.
#include <algorithm>
#include <cstdlib>

#include "emulator/pef/guest/guest_for_test.h"
#include "emulator/pef/guest/hand_over.h"
#include "fuzz/patched.h"

namespace {

using namespace sealift;

constexpr std::size_t kWindow = 64U << 10U;

void put(pef::GuestForTest& guest, std::uint64_t address, ByteView bytes) {
  if (!guest.memory.write(address, bytes, "fuzz")) std::abort();
}

void ask(pef::GuestForTest& guest) {
  const auto secure = guest.ask();
  if (!secure) return;
  if (secure->tree.bootargs != pef::GuestForTest::kCmdline || secure->customer_data.size() != 1) std::abort();
  static_cast<void>(pef::hand_over(guest.memory, *secure, SecretBytes::copy_of(as_bytes("customer data"))));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static pef::GuestForTest guest;
  if (size == 0) return 0;
  const auto address = data[0] % 3 == 1 ? pef::GuestForTest::kInitrd : pef::GuestForTest::kCall.fdt_address;
  const auto genuine = to_bytes(guest.memory.view({address, kWindow}, "fuzz").value());
  const ByteView input{data + 1, std::min(size - 1, kWindow)};
  put(guest, address, data[0] % 3 == 2 ? to_bytes(input) : fuzz::patched(genuine, input));
  ask(guest);
  put(guest, address, genuine);
  // The device tree may have grown, and customer data lie above it.
  const Bytes zeros(1U << 20U);
  put(guest, pef::GuestForTest::kCall.fdt_address + kWindow, zeros);
  return 0;
}
