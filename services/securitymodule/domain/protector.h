// SPDX-License-Identifier: Apache-2.0
/// Who holds the key-encryption key. It is asked once for each start of the process: what it protects is the
/// root key of the database, and everything else is protected by that (vault.h).
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace sealift::securitymodule {

class Protector {
 public:
  virtual ~Protector() = default;
  /// Names the key, in messages and beside what it wrapped; tells nothing about it. At most 255 bytes.
  virtual std::string key_id() const = 0;
  virtual Result<Bytes> wrap(ByteView secret, ByteView associated_data) const = 0;
  /// failed_precondition at "protector" where another key wrapped it; authentication_failed where it was
  /// altered or is bound to other data.
  virtual Result<SecretBytes> unwrap(ByteView wrapped, ByteView associated_data) const = 0;
};

}  // namespace sealift::securitymodule
