// SPDX-License-Identifier: Apache-2.0
/// The command groups of `sealift`; each file of this folder declares and runs one.
#pragma once

#include "cli/command_line.h"

namespace sealift::cli {

/// With the commands of declare_cloud_image() in the same group.
void declare_image(Command root);
void declare_esm(Command root);
void declare_tpm(Command root);
void declare_policy(Command root);
void declare_enrol(Command root);
void declare_pki(Command root);
void declare_sev(Command root);
void declare_dev(Command root);
void declare_dev_up(Command dev);
void declare_dev_sev(Command dev);
void declare_demo(Command root);
void declare_launch(Command root);
void declare_launches(Command root);
void declare_inventory(Command root);
void declare_cloud_image(Command image_group);

}  // namespace sealift::cli
