// SPDX-License-Identifier: Apache-2.0
/// The security module's seeds, wrapped, and the authorizations it made from them.
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

struct SeedRecord {
  std::string tenant;
  std::string image_id;
  Bytes wrapped_seed;  ///< never the seed itself
  Bytes metadata;
  std::int64_t created_at = 0;  ///< seconds since 1970
  std::int64_t version = 0;     ///< 1 when created, one more with each update
};

class SeedStore {
 public:
  virtual ~SeedStore() = default;
  /// already_exists.
  virtual Status create(const SeedRecord& record) = 0;
  /// not_found.
  virtual Result<SeedRecord> get(const std::string& tenant, const std::string& image_id) = 0;
  virtual Result<std::vector<SeedRecord>> list(const std::string& tenant, const std::string& after,
                                               int limit) = 0;
  /// Wrapped seed and metadata, if `record.version` is still the stored one: the new version. conflict,
  /// not_found.
  virtual Result<std::int64_t> update(const SeedRecord& record) = 0;
  /// Succeeds also where there is none.
  virtual Status remove(const std::string& tenant, const std::string& image_id) = 0;
};

/// Sealed data: one for each image, host and policy, for ever the same.
struct AuthorizationRecord {
  std::string tenant;
  std::string image_id;
  Bytes storage_key_name;
  Bytes policy;
  Bytes sealed_data;
  std::int64_t created_at = 0;  ///< seconds since 1970
};

/// Where a page of an image's authorizations begins; empty for the first.
struct AuthorizationKey {
  Bytes storage_key_name;
  Bytes policy;
};

class AuthorizationStore {
 public:
  virtual ~AuthorizationStore() = default;
  /// The one that is stored: `record` where it is the first, else the earlier one. On disk with the next
  /// write that waits for the disk: the entry in the log of decisions.
  virtual Result<AuthorizationRecord> put_if_absent(const AuthorizationRecord& record) = 0;
  /// The same, where the image has fewer than `maximum`; resource_exhausted at "maximum" otherwise. Those who
  /// do it at the same time do not exceed it together, where the image has its seed.
  virtual Result<AuthorizationRecord> put_if_room(const AuthorizationRecord& record,
                                                  std::int64_t maximum) = 0;
  /// not_found.
  virtual Result<AuthorizationRecord> get(const std::string& tenant, const std::string& image_id,
                                          const AuthorizationKey& key) = 0;
  virtual Result<std::vector<AuthorizationRecord>> list_of_image(const std::string& tenant,
                                                                 const std::string& image_id,
                                                                 const AuthorizationKey& after,
                                                                 int limit) = 0;
  /// How many the image has; at most `limit`.
  virtual Result<std::int64_t> count_of_image(const std::string& tenant, const std::string& image_id,
                                              std::int64_t limit) = 0;
  /// Up to `limit`: how many. Again until none is left.
  virtual Result<std::int64_t> remove_of_image(const std::string& tenant, const std::string& image_id,
                                               int limit) = 0;
  virtual Result<std::int64_t> remove_of_host(const std::string& tenant, const Bytes& storage_key_name,
                                              int limit) = 0;
};

/// The key of this database, wrapped: what all its seeds are wrapped under.
class RootKeyStore {
 public:
  virtual ~RootKeyStore() = default;
  /// not_found.
  virtual Result<Bytes> get() = 0;
  /// The one that is stored: `wrapped` where it is the first, else the earlier one.
  virtual Result<Bytes> put_if_absent(const Bytes& wrapped) = 0;
  /// `wrapped` in the place of `present`; conflict where another is stored, or none.
  virtual Status replace(const Bytes& present, const Bytes& wrapped) = 0;
};

/// On a database that was opened with the keys' schema (schemas.h); it outlives the port.
std::unique_ptr<SeedStore> make_seed_store(sql::Database& database);
std::unique_ptr<AuthorizationStore> make_authorization_store(sql::Database& database);
std::unique_ptr<RootKeyStore> make_root_key_store(sql::Database& database);

}  // namespace sealift::store
