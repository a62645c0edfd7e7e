// SPDX-License-Identifier: Apache-2.0
/// Objects that images use, or used. Creating and removing an image counts (images.h); here is which objects
/// can be removed from the object store because no image of any tenant uses them.
///
/// Removing takes two steps, with the object store between them. An object that an image began to use in
/// between must not be brought before the second one, or the removal would take what was just brought.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sealift::sql {
class Database;
}

namespace sealift::store {

class ObjectUseStore {
 public:
  virtual ~ObjectUseStore() = default;
  /// Digests of up to `limit` objects that nobody uses, and of those whose removal was begun and not ended in
  /// time. The caller removes them before `until`, which also names this claim. Seconds since 1970.
  virtual Result<std::vector<Bytes>> claim_unused(std::int64_t now, std::int64_t until, int limit) = 0;
  /// The object store has it no longer. conflict where the claim ran out and another has it.
  virtual Status removed(const Bytes& digest, std::int64_t until) = 0;
  virtual Result<bool> is_being_removed(const Bytes& digest) = 0;
  /// The object store may have an object of which nothing is known here: it counts as unused.
  virtual Status note(const Bytes& digest) = 0;
};

/// On a database that was opened with the images' schema (schemas.h); it outlives the port.
std::unique_ptr<ObjectUseStore> make_object_use_store(sql::Database& database);

}  // namespace sealift::store
