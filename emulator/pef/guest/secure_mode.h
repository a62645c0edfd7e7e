// SPDX-License-Identifier: Apache-2.0
/// UV_ESM: a guest asks to become a secure virtual machine. What the real ultravisor decides is decided here,
/// over the guest's memory as it is; no device, process or file is touched.
#pragma once

#include "emulator/pef/guest/boot_tree.h"
#include "formats/esm/operand.h"
#include "tee/lockbox_opening.h"

namespace sealift::pef {

/// The ultracall's arguments.
struct EsmCall {
  std::uint64_t kernel_base = 0;  ///< r4
  std::uint64_t fdt_address = 0;  ///< r5
};

/// Told of each step that went well: "operand_found" and those of tee/opening.h.
using OnStep = std::function<void(std::string_view)>;

/// A guest whose parts are those that were sealed.
struct SecureGuest {
  std::vector<esm::CustomerData> customer_data;
  BootTree tree;
  std::vector<Range> taken;  ///< where its parts lie
};

/// Both keys of a pef host: of seals, and of IBM's lockboxes.
struct Openers {
  tee::SealOpener& seals;
  tee::LockboxOpener& lockboxes;
};

/// Finds the operand, of either format, opens it on this machine, and measures RTAS, kernel, initramfs and
/// command line where they lie. The first refusal ends it, and nothing of seed or keys remains.
Result<SecureGuest> enter_secure_mode(const GuestMemory& memory, const EsmCall& call, const Openers& openers,
                                      const OnStep& on_step);

/// What the ultracall returns in r3 (Linux: asm/ultravisor-api.h).
enum class UltracallCode : std::int64_t {
  success = 0,
  function = -2,  ///< no such ultracall
  not_available = 3,
  parameter = -4,    ///< what the guest says of itself makes no sense
  permission = -11,  ///< it must not run here, or not like this
};
UltracallCode ultracall_code(const Error& refusal) noexcept;

}  // namespace sealift::pef
