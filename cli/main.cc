// SPDX-License-Identifier: Apache-2.0
/// sealift: the customer's tooling.
#include "cli/commands/audit.h"
#include "cli/commands/commands.h"
#include "cli/commands/revoke.h"
#include "cli/commands/sets.h"

int main(int argc, char** argv) {
  using namespace sealift::cli;
  CommandLine line{
      "sealift", "Seal virtual machines to the machines you trust, and to no other.",
      "sealift image build --root debian.tar --kernel linux-image.deb --out image --seed image.seed\n"
      "sealift image seal image --seed image.seed --host alpha.json --reference approved.eventlog",
      "sealift " SEALIFT_VERSION};
  declare_launch(line.root());
  declare_launches(line.root());
  declare_inventory(line.root());
  declare_image(line.root());
  declare_esm(line.root());
  declare_tpm(line.root());
  declare_policy(line.root());
  declare_enrol(line.root());
  declare_sev(line.root());
  declare_pki(line.root());
  declare_audit(line.root());
  declare_revoke(line.root());
  declare_sets(line.root());
  declare_dev(line.root());
  declare_demo(line.root());
  return line.run(argc, argv);
}
