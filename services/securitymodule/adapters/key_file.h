// SPDX-License-Identifier: Apache-2.0
/// The key-encryption key in a file. Insecure: whoever reads the file and the database reads every seed. For
/// trying, for tests, and until the host of the security module has a token or a TPM to keep it.
#pragma once

#include <filesystem>

#include "services/securitymodule/domain/protector.h"

namespace sealift::securitymodule {

/// The whole of a file that is its owner's alone, ours: permission_denied at `field` for another.
Result<SecretBytes> read_owners_file(const std::filesystem::path& path, std::size_t limit,
                                     const std::string& field);

class KeyFileProtector final : public Protector {
 public:
  static constexpr std::size_t kKeySize = 32;

  /// not_found; permission_denied where others than the owner may read or write it; malformed unless it holds
  /// 32 bytes.
  static Result<KeyFileProtector> open(const std::filesystem::path& path);
  /// A new random key in a new file of mode 0600, on disk when this returns. already_exists.
  static Status create(const std::filesystem::path& path);

  std::string key_id() const override;
  /// u8 1 ‖ 8 bytes key id ‖ 12 bytes IV ‖ AES-256-GCM ciphertext ‖ 16 bytes tag.
  Result<Bytes> wrap(ByteView secret, ByteView associated_data) const override;
  Result<SecretBytes> unwrap(ByteView wrapped, ByteView associated_data) const override;

 private:
  explicit KeyFileProtector(Secret<kKeySize> key) : key_{std::move(key)} {}
  Secret<kKeySize> key_;
};

}  // namespace sealift::securitymodule
