// SPDX-License-Identifier: Apache-2.0
/// sealift esm: operands, in both formats.
#include "cli/commands/esm.h"

#include "cli/commands/commands.h"

namespace sealift::cli {

void declare_esm(Command root) {
  auto group =
      root.group("esm", "ESM operands: show, verify, make, authorise", "sealift esm show image/initramfs");
  declare_esm_show(group);
  declare_esm_verify(group);
  declare_esm_make(group);
  declare_esm_authorize(group);
}

}  // namespace sealift::cli
