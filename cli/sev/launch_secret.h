// SPDX-License-Identifier: Apache-2.0
/// What is injected into an SEV guest: its customer data as a secret table.
#pragma once

#include "guest/image/owner.h"

namespace sealift::cli {

/// invalid_argument without a CD1, too_large where they do not fit into what the firmware keeps.
Result<SecretBytes> launch_secret_table(const image::Owner& owner);

}  // namespace sealift::cli
