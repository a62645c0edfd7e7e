// SPDX-License-Identifier: Apache-2.0
#include "emulator/pef/launcher.h"

#include "emulator/pef/gdb/ultracall.h"
#include "emulator/pef/guest/hand_over.h"
#include "services/ultravisor/domain/launch_parts.h"

namespace sealift::pef {
namespace {

/// Verifies, and puts the customer data where the guest finds them.
Status admit(UltracallTrap& trap, GuestMemory& memory, const EsmCall& call, const Openers& openers,
             const ultravisor::OnEvent& on_event) {
  SEALIFT_CHECK(trap.expect_alone());
  SEALIFT_TRY(auto guest, enter_secure_mode(memory, call, openers, on_event));
  SEALIFT_TRY(const auto message, ultravisor::message_for_guest(std::move(guest.customer_data)));
  return hand_over(memory, guest, message);
}

/// The guest says on its console that it was refused, and stops by itself.
void turn_away(UltracallTrap& trap, ultravisor::GuestProcess& guest, const Error& refusal,
               std::chrono::seconds limit) {
  const auto told = trap.answer(ultracall_code(refusal));
  if (told && guest.wait(limit)) return;
  guest.stop();
  (void)guest.wait();
}

}  // namespace

Result<int> PefLauncher::run(ultravisor::LaunchRequest request, ultravisor::Launch& launch,
                             const ultravisor::OnEvent& on_event) {
  // What is measured here is the guest's own memory: there is nothing to keep.
  ultravisor::KeptComponents none{0};
  SEALIFT_TRY(const auto components, ultravisor::pin_components(request.files, none));
  on_event("components_pinned");
  if (launch.is_stopped())
    return fail(ErrorCode::canceled, "the launch was stopped before its guest started", "id");
  SEALIFT_TRY(auto guest,
              start_paused(qemu_, {request.id, components.kernel, components.initramfs, request.cmdline,
                                   request.memory_mib, request.cpus, request.files.root_disk.get(),
                                   request.files.overlay.get(), request.files.console.get()}));
  launch.started([known = std::weak_ptr{guest.process}] {
    if (const auto process = known.lock()) process->stop();
  });
  SEALIFT_TRY(auto trap, UltracallTrap::set(std::move(guest.gdb)));
  const auto call = trap.await_esm(GdbClient::Clock::now() + limits_.esm);
  if (!call && launch.is_stopped()) return fail(ErrorCode::canceled, "the launch was stopped", "id");
  if (!call) return tl::unexpected(call.error());
  on_event("secure_mode_requested");
  if (const auto admitted = admit(trap, guest.memory, *call, openers_, on_event); !admitted) {
    turn_away(trap, *guest.process, admitted.error(), limits_.farewell);
    return tl::unexpected(ultravisor::explain(admitted.error(), records_, request.files.reference.get()));
  }
  SEALIFT_CHECK(trap.enter(*call));
  on_event("guest_started");
  on_event("customer_data_delivered");
  return guest.process->wait();
}

}  // namespace sealift::pef
