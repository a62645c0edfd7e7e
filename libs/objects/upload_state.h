// SPDX-License-Identifier: Apache-2.0
/// How far an upload has come: a small document that the caller keeps between calls, so that any replica can
/// go on with it, also after a crash. Its size does not grow with the upload.
///
/// The SHA-512 of what has arrived is part of it (crypto/sha512_state.h): nothing is read again at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "objects/object_key.h"

namespace sealift::objects {

/// What append() takes: this many bytes, fewer only at the object's end. S3 takes no parts below 5 MiB.
inline constexpr std::uint64_t kPartSize = 8ULL * 1024 * 1024;
/// S3 takes no more than 10,000 parts: 78 GiB.
inline constexpr std::uint64_t kMaxObjectSize = 10'000 * kPartSize;

struct UploadState {
  ObjectKey key;
  std::uint64_t size;  ///< bytes of the whole object, 1 to kMaxObjectSize
  std::string id;      ///< the store's own name for the upload: 1 to 1024 printable characters, no space
  std::uint64_t offset = 0;  ///< bytes that have arrived: the next append starts here
  Bytes hash{};              ///< of those bytes: a crypto::Sha512State, or the digest once all have arrived
  Bytes parts{};             ///< S3: SHA-256 over the ETags of the parts; empty for a directory

  bool complete() const noexcept { return offset == size; }
  /// One line of text. parse(to_text()) is the same state.
  std::string to_text() const;
  /// malformed.
  static Result<UploadState> parse(std::string_view text);
};

/// A new one. invalid_argument for a size that is not allowed.
Result<UploadState> start_upload(const crypto::Digest& sha512, std::uint64_t size);
/// invalid_argument unless `bytes` is the part at `offset` that this upload wants next.
Status check_part(const UploadState& state, std::uint64_t offset, ByteView bytes);
/// The state after `bytes`, which check_part() took.
Result<UploadState> advanced(UploadState state, ByteView bytes);
/// failed_precondition while bytes are missing; object_differs unless they have the digest that the key
/// names.
Status check_whole(const UploadState& state);

}  // namespace sealift::objects
