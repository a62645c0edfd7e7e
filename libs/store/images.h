// SPDX-License-Identifier: Apache-2.0
/// Images of tenants, their files, and the files that are being uploaded.
///
/// Every port in this library: any thread may call; `list` gives at most `limit` (1 to 1000) records whose
/// key comes after `after`, in the order of keys, "" for the first page. Errors besides those named:
/// sql/database.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

enum class ImageState { uploading, ready, deleting };

/// A file of an image: the object store has it, or will have it, under its digest.
struct ImageFile {
  std::string name;       ///< unique within the image
  Bytes digest;           ///< SHA-512
  std::int64_t size = 0;  ///< bytes
  bool complete = false;  ///< the object store has it
};

struct ImageRecord {
  std::string tenant;
  std::string image_id;
  ImageState state = ImageState::uploading;
  std::string tee;
  std::string arch;
  std::int64_t memory_mib = 0;
  std::int64_t created_at = 0;   ///< seconds since 1970
  std::vector<ImageFile> files;  ///< in the order of create(); none where the image was removed meanwhile
};

/// What one tenant may have, images that are being uploaded included.
struct ImageQuota {
  std::int64_t images = 0;
  std::int64_t bytes = 0;  ///< of all their files together
};

struct ImageName {
  std::string tenant;
  std::string image_id;
};

/// Images, also of different tenants, may use the same objects: object_uses.h.
class ImageStore {
 public:
  virtual ~ImageStore() = default;
  /// An image that uses its files' objects from now on. `state` and `complete` are not the caller's to say: a
  /// file that the same tenant has complete in another image is complete at once, and an image is ready with
  /// its last file. The record as stored. already_exists; resource_exhausted where it would exceed the quota.
  virtual Result<ImageRecord> create(const ImageRecord& record, const Bytes& document,
                                     const ImageQuota& quota) = 0;
  /// not_found.
  virtual Result<ImageRecord> get(const std::string& tenant, const std::string& image_id) = 0;
  /// The front end's own, as create() got it. not_found.
  virtual Result<Bytes> document(const std::string& tenant, const std::string& image_id) = 0;
  virtual Result<std::vector<ImageRecord>> list(const std::string& tenant, const std::string& after,
                                                int limit) = 0;
  /// Something of an image that is being uploaded came at `now` (seconds since 1970). Succeeds also where
  /// there is none.
  virtual Status touch(const std::string& tenant, const std::string& image_id, std::int64_t now) = 0;
  /// The object store has that file: the record as stored. not_found, also where the image is being deleted.
  virtual Result<ImageRecord> complete_file(const std::string& tenant, const std::string& image_id,
                                            const std::string& file) = 0;
  /// It stays, as `deleting`, until remove(). Succeeds also where it is so already. not_found.
  virtual Status begin_deletion(const std::string& tenant, const std::string& image_id) = 0;
  /// Of any tenant: those that are being deleted, and those that are being uploaded and were created and
  /// touched before `before`.
  virtual Result<std::vector<ImageName>> list_abandoned(std::int64_t before, int limit) = 0;
  /// Ends a deletion that was begun: the image uses no object any more. Succeeds also where there is none.
  virtual Status remove(const std::string& tenant, const std::string& image_id) = 0;
};

struct UploadRecord {
  std::string tenant;
  std::string upload_id;
  std::string image_id;
  std::string file;             ///< name within the image
  Bytes digest;                 ///< of the whole file, as announced
  std::int64_t size = 0;        ///< bytes, as announced
  std::int64_t received = 0;    ///< bytes
  Bytes store_state;            ///< the object store's own: parts, or where to go on
  std::int64_t updated_at = 0;  ///< seconds since 1970
  std::int64_t version = 0;     ///< 1 when created, one more with each update
};

class UploadStore {
 public:
  virtual ~UploadStore() = default;
  /// already_exists.
  virtual Status create(const UploadRecord& record) = 0;
  /// not_found.
  virtual Result<UploadRecord> get(const std::string& tenant, const std::string& upload_id) = 0;
  /// received, store_state and updated_at, if `record.version` is still the stored one: the new version.
  /// conflict, not_found.
  virtual Result<std::int64_t> update(const UploadRecord& record) = 0;
  /// Succeeds also where there is none.
  virtual Status remove(const std::string& tenant, const std::string& upload_id) = 0;
  virtual Result<std::vector<UploadRecord>> list_of_image(const std::string& tenant,
                                                          const std::string& image_id,
                                                          const std::string& after, int limit) = 0;
  /// Of all tenants, those not updated since `before`, the longest untouched first.
  virtual Result<std::vector<UploadRecord>> list_stale(std::int64_t before, int limit) = 0;
};

/// On a database that was opened with the images' schema (schemas.h); it outlives the port.
std::unique_ptr<ImageStore> make_image_store(sql::Database& database);
std::unique_ptr<UploadStore> make_upload_store(sql::Database& database);

}  // namespace sealift::store
