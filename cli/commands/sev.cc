// SPDX-License-Identifier: Apache-2.0
/// sealift sev: what the owner of an AMD SEV guest does, at home and offline.
#include "cli/commands/sev.h"

#include "cli/commands/commands.h"

namespace sealift::cli {

void declare_sev(Command root) {
  auto group =
      root.group("sev", "Launch on AMD SEV hosts: prove the machine, check the launch, inject secrets",
                 "sealift sev verify-chain --pdh pdh.cert --pek pek.cert --oca oca.cert --cek cek.cert --ask "
                 "ask_ark_milan.cert "
                 "--ark ask_ark_milan.cert\n"
                 "sealift sev session --pdh pdh.cert --policy 0x7 --out session");
  declare_sev_platform(group);
  declare_sev_launch(group);
  declare_sev_secret(group);
  declare_sev_explain(group);
}

}  // namespace sealift::cli
