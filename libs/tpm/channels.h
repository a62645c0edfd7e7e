// SPDX-License-Identifier: Apache-2.0
/// Private to libs/tpm: the two kinds of channels.
#pragma once

#include "tpm/transport.h"

namespace sealift::tpm {

/// A swtpm's Unix stream socket. tpm2-tss's own TCTI for it connects anew for every command, which costs more
/// than most commands do, and lets others in between (docs/adr/0002).
Result<std::unique_ptr<Channel>> open_swtpm_socket(const std::string& path);

/// Whatever tpm2-tss's loader knows: "device:/dev/tpmrm0".
Result<std::unique_ptr<Channel>> open_tcti(const std::string& tcti);

}  // namespace sealift::tpm
