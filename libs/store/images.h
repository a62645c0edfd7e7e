// SPDX-License-Identifier: Apache-2.0
/// Images of tenants, and the files of them that are being uploaded.
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

struct ImageRecord {
  std::string tenant;
  std::string image_id;
  ImageState state = ImageState::uploading;
  Bytes manifest;               ///< the front end's own document
  std::int64_t created_at = 0;  ///< seconds since 1970
  std::int64_t version = 0;     ///< 1 when created, one more with each update
};

class ImageStore {
 public:
  virtual ~ImageStore() = default;
  /// already_exists.
  virtual Status create(const ImageRecord& record) = 0;
  /// not_found.
  virtual Result<ImageRecord> get(const std::string& tenant, const std::string& image_id) = 0;
  virtual Result<std::vector<ImageRecord>> list(const std::string& tenant, const std::string& after,
                                                int limit) = 0;
  /// State and manifest, if `record.version` is still the stored one: the new version. conflict, not_found.
  virtual Result<std::int64_t> update(const ImageRecord& record) = 0;
  /// Succeeds also where there is none.
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
