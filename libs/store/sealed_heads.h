// SPDX-License-Identifier: Apache-2.0
/// Heads of images that were sealed ahead: one for each image and set of hosts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

struct SealedHeadRecord {
  std::string tenant;
  std::string image_id;
  std::string set;
  Bytes document;
};

class SealedHeadStore {
 public:
  virtual ~SealedHeadStore() = default;
  /// In the place of `before`, or where there is none and `before` is empty. conflict otherwise; not_found
  /// where the tenant has no such image, or deletes it.
  virtual Status put(const SealedHeadRecord& record, const Bytes& before) = 0;
  virtual Result<std::optional<SealedHeadRecord>> get(const std::string& tenant, const std::string& image_id,
                                                      const std::string& set) = 0;
  /// In the order of image and set, behind these; "" for the first page.
  virtual Result<std::vector<SealedHeadRecord>> list(const std::string& tenant, const std::string& image_id,
                                                     const std::string& set, int limit) = 0;
  virtual Result<std::vector<SealedHeadRecord>> list_of_image(const std::string& tenant,
                                                              const std::string& image_id, int limit) = 0;
  /// What is removed, where there was one.
  virtual Result<std::optional<SealedHeadRecord>> remove(const std::string& tenant,
                                                         const std::string& image_id,
                                                         const std::string& set) = 0;
};

/// On a database that was opened with the images' schema (schemas.h); it outlives the port.
std::unique_ptr<SealedHeadStore> make_sealed_head_store(sql::Database& database);

}  // namespace sealift::store
