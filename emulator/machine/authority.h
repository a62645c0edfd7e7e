// SPDX-License-Identifier: Apache-2.0
/// The test CA that certifies the EKs and platforms of emulated machines: a root and an intermediate, made
/// once per machines directory. Its root is trusted by nobody who does not ask for it.
#pragma once

#include <filesystem>

#include "crypto/x509_issue.h"

namespace sealift::emulator {

/// The intermediate CA, from MACHINES/ca; made with root, keys and empty revocation lists where it is not
/// there.
Result<crypto::CertificateAuthority> ek_authority(const std::filesystem::path& machines);

}  // namespace sealift::emulator
