// SPDX-License-Identifier: Apache-2.0
/// The security module's log of decisions: entries in their order, what proves them, and the head.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

struct AuditEntryRecord {
  std::int64_t index = 0;
  std::string tenant;
  Bytes entry;
  Bytes hashes;  ///< of the nodes that it completed, from its leaf up
};

struct AuditHeadRecord {
  std::int64_t size = 0;  ///< entries
  Bytes document;         ///< empty while there are none
};

struct AuditAppend {
  std::vector<AuditEntryRecord> entries;  ///< whose indices follow the head's size
  Bytes document;
};

class AuditStore {
 public:
  virtual ~AuditStore() = default;
  /// The log's key: `wrapped` where it is the first, else the earlier one.
  virtual Result<Bytes> put_key_if_absent(const Bytes& wrapped) = 0;
  virtual Result<AuditHeadRecord> head() = 0;
  /// What `make` says of the present head, in one transaction that no other append runs beside, whichever
  /// process it comes from. `make` may run more than once. Only for a log that has its key.
  virtual Status append(const std::function<Result<AuditAppend>(const AuditHeadRecord&)>& make) = 0;
  /// From `index` on.
  virtual Result<std::vector<AuditEntryRecord>> list(std::int64_t index, int limit) = 0;
  /// not_found.
  virtual Result<Bytes> hashes(std::int64_t index) = 0;
};

/// On a database that was opened with the keys' schema (schemas.h); it outlives the port.
std::unique_ptr<AuditStore> make_audit_store(sql::Database& database);

}  // namespace sealift::store
