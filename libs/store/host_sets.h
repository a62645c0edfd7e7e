// SPDX-License-Identifier: Apache-2.0
/// The security module's sets of hosts, and what it found of hosts before, for sealing while none of them
/// asks.
#pragma once

#include <cstdint>
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

struct HostSetRecord {
  std::string tenant;
  std::string name;
  Bytes document;
  std::int64_t version = 0;  ///< 1 when created, one more with each update
};

class HostSetStore {
 public:
  virtual ~HostSetStore() = default;
  /// already_exists; resource_exhausted where the tenant has `maximum` (1 to 1000), give or take those who do
  /// it at the same time.
  virtual Status create(const HostSetRecord& record, std::int64_t maximum) = 0;
  /// not_found.
  virtual Result<HostSetRecord> get(const std::string& tenant, const std::string& name) = 0;
  virtual Result<std::vector<HostSetRecord>> list(const std::string& tenant, const std::string& after,
                                                  int limit) = 0;
  /// The document, if `record.version` is still the stored one: the new version. conflict, not_found.
  virtual Result<std::int64_t> update(const HostSetRecord& record) = 0;
  /// Succeeds also where there is none.
  virtual Status remove(const std::string& tenant, const std::string& name) = 0;
};

struct VerdictKey {
  std::string tenant;
  Bytes storage_key_name;
  Bytes trust;
};

class VerdictStore {
 public:
  virtual ~VerdictStore() = default;
  /// In the place of an earlier one. On disk with the next write that waits for the disk.
  virtual Status put(const VerdictKey& key, const Bytes& document) = 0;
  virtual Result<std::optional<Bytes>> get(const VerdictKey& key) = 0;
  /// Up to `limit`: how many. Again until none is left.
  virtual Result<std::int64_t> remove_of_host(const std::string& tenant, const Bytes& storage_key_name,
                                              int limit) = 0;
};

/// On a database that was opened with the keys' schema (schemas.h); it outlives the port.
std::unique_ptr<HostSetStore> make_host_set_store(sql::Database& database);
std::unique_ptr<VerdictStore> make_verdict_store(sql::Database& database);

}  // namespace sealift::store
