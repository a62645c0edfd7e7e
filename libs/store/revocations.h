// SPDX-License-Identifier: Apache-2.0
/// What a tenant's security module must have nothing to do with any more.
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

struct RevocationKey {
  std::int64_t kind = 0;  ///< the service's own numbering
  Bytes subject;
};

struct RevocationRecord {
  std::string tenant;
  RevocationKey key;
  Bytes document;
  std::int64_t revoked_at = 0;  ///< seconds since 1970
};

class RevocationStore {
 public:
  virtual ~RevocationStore() = default;
  /// Succeeds also where it is there: the first stays.
  virtual Status put(const RevocationRecord& record) = 0;
  /// The kind of the first of `keys` that is there as of now: nothing is kept in memory. 0: none. They are
  /// three at most, each of another kind.
  virtual Result<std::int64_t> find(const std::string& tenant, const std::vector<RevocationKey>& keys) = 0;
  virtual Result<std::vector<RevocationRecord>> list(const std::string& tenant, const RevocationKey& after,
                                                     int limit) = 0;
  /// Succeeds also where there is none.
  virtual Status remove(const std::string& tenant, const RevocationKey& key) = 0;
};

/// On a database that was opened with the keys' schema (schemas.h); it outlives the port.
std::unique_ptr<RevocationStore> make_revocation_store(sql::Database& database);

}  // namespace sealift::store
