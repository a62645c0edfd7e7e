// SPDX-License-Identifier: Apache-2.0
/// Where images live: opaque bytes, addressed by digest, and the small head objects of launches (adr/0011).
/// Two stores with one behaviour: a directory, and an S3 bucket.
///
/// The store is not trusted: who reads an object checks its digest. Calls block: up to some 30 s without
/// progress, then they fail; `unavailable` and `timeout` are worth another try later.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "objects/object_key.h"
#include "objects/upload_state.h"

namespace sealift::objects {

/// For put() and read(): no head archive is larger.
inline constexpr std::size_t kMaxSmallObject = 16U * 1024 * 1024;
/// What S3 allows a presigned URL.
inline constexpr std::chrono::seconds kMaxLifetime = std::chrono::hours{7 * 24};

/// How a host gets an object without our credentials; fetch.h reads it.
struct Location {
  /// "https://…", a secret until it expires: whoever has it can read the object. Or "dir:<key>", for hosts on
  /// which the store's directory is mounted, wherever that is.
  std::string url;
};

/// Thread-safe.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// The store answers and lets us in. not_found: it has no such bucket, or the directory is gone.
  virtual Status check() = 0;
  /// The object's size; none where there is no such object.
  virtual Result<std::optional<std::uint64_t>> stat(const ObjectKey& key) = 0;

  /// A resumable upload. Nothing of it is visible until finish() has succeeded. Several uploads of the same
  /// content at once are fine.
  virtual Result<UploadState> begin(const crypto::Digest& sha512, std::uint64_t size) = 0;
  /// Stores one part of kPartSize bytes (the last: what remains) durably. Where it fails, `state` is still
  /// good. Repeating it with the same state and bytes is fine, as after a crash; with other bytes it ends in
  /// `conflict`, now or at the end. not_found: there is no such upload any more, begin again. Not to be
  /// called once finish() was: not every S3 service refuses that.
  virtual Result<UploadState> append(const UploadState& state, std::uint64_t offset, ByteView bytes) = 0;
  /// Makes the object visible, if the bytes have the digest. object_differs, conflict and not_found: abandon
  /// it and begin again. Repeating it after success is fine.
  virtual Status finish(const UploadState& state) = 0;
  /// Frees what the upload takes, as far as the store can be reached.
  virtual void abandon(const UploadState& state) = 0;

  /// A small object at once: whole and durable, or not there. Replaces. At most kMaxSmallObject.
  /// object_differs where the key names another digest.
  virtual Status put(const ObjectKey& key, ByteView bytes) = 0;
  /// Also succeeds where there is no such object.
  virtual Status remove(const ObjectKey& key) = 0;
  /// Exactly `size` bytes, 1 to kMaxSmallObject, from `offset` on. not_found, truncated.
  virtual Result<Bytes> read(const ObjectKey& key, std::uint64_t offset, std::size_t size) = 0;
  /// For at most kMaxLifetime. Does not look whether the object is there.
  virtual Result<Location> location(const ObjectKey& key, std::chrono::seconds lifetime) = 0;
};

/// "dir:/path", or
/// "s3+https://host[:port]/bucket?region=R&access_key=ID&secret_file=/path[&ca_file=/path]", path-style.
/// The secret key is the file's content without the end of its line. ca_file replaces the system's roots.
/// "s3+insecure-http://…" sends everything in the clear. invalid_argument names what is wrong with it as
/// field. Does not ask the service: see check().
Result<std::unique_ptr<ObjectStore>> open_store(std::string_view url);

}  // namespace sealift::objects
