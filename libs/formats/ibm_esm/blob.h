// SPDX-License-Identifier: Apache-2.0
/// The `ibm,esm` blob of IBM's Protected Execution Facility, as svm-tools writes and the ultravisor reads it:
///
///   / { compatible = "ibm,esm";
///       lockboxes { lockbox-N {..}; .. lockbox-1 {..}; origin-lockbox {
///           untrusted-comment; encrypted-symkey; pubkey-fingerprint { algorithm = "SHA256"; hash; }; }; };
///       digest { digests-fdt { algorithm = "AES256-GCM"; untrusted-comment; iv; mac; ciphertext; }; };
///       file { files-fdt = <a device tree: / { compatible = "ibm,esm-file"; files { NAME { as digests-fdt };
///       }; }>; }; };
///
/// Names, comments and fingerprints in it are not authenticated by anything: show them, never decide by them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::ibm_esm {

inline constexpr std::string_view kCompatible = "ibm,esm";
inline constexpr std::string_view kOrigin = "origin-lockbox";
inline constexpr std::string_view kDigestsName = "digests-fdt";
inline constexpr std::size_t kMaxLockboxes = 20000;
inline constexpr std::size_t kMaxCommentSize = 1023;

/// SHA-256 over the bytes of the public key's PEM file, its last newline included.
using Fingerprint = std::array<std::uint8_t, 32>;

/// The symmetric key, RSA-OAEP-SHA256 encrypted to one recipient.
struct Lockbox {
  std::string name;  ///< "origin-lockbox", "lockbox-7"
  std::string comment;
  Fingerprint fingerprint;
  Bytes encrypted_key;
  bool operator==(const Lockbox&) const = default;
};

/// Something encrypted under the symmetric key: AES-256-GCM, no associated data.
struct EncryptedFile {
  std::string name;
  std::string comment;
  std::array<std::uint8_t, 16> iv;
  std::array<std::uint8_t, 16> mac;
  Bytes ciphertext;
  bool operator==(const EncryptedFile&) const = default;
};

/// A blob that was read, not verified.
struct Blob {
  std::vector<Lockbox> lockboxes;  ///< in the order of the file: newest first, the origin last
  std::optional<EncryptedFile> digests;
  std::vector<EncryptedFile> files;  ///< attachments
  bool operator==(const Blob&) const = default;
};

/// operand_malformed with the field's path where anything is unknown, missing, mis-sized or doubled.
Result<Blob> parse(ByteView blob);
Result<Bytes> serialise(const Blob& blob);

}  // namespace sealift::ibm_esm
