// SPDX-License-Identifier: Apache-2.0
/// Hosts that proved themselves to the security module, and the challenges that are still to be answered.
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

struct EnrolmentRecord {
  std::string tenant;
  Bytes storage_key_name;
  Bytes hardware_key_hash;
  Bytes document;
  std::int64_t enrolled_at = 0;  ///< seconds since 1970
};

class EnrolmentStore {
 public:
  virtual ~EnrolmentStore() = default;
  /// In the place of an earlier one of the same storage key. On disk with the next write that waits for the
  /// disk: the entry in the log of decisions.
  virtual Status put(const EnrolmentRecord& record) = 0;
  /// not_found.
  virtual Result<EnrolmentRecord> get(const std::string& tenant, const Bytes& storage_key_name) = 0;
  virtual Result<std::vector<EnrolmentRecord>> list(const std::string& tenant, const Bytes& after,
                                                    int limit) = 0;
  /// Succeeds also where there is none.
  virtual Status remove(const std::string& tenant, const Bytes& storage_key_name) = 0;
  /// Up to `limit`: how many. Again until none is left.
  virtual Result<std::int64_t> remove_of_hardware(const std::string& tenant, const Bytes& hardware_key_hash,
                                                  int limit) = 0;
};

struct ChallengeRecord {
  std::string tenant;
  std::string challenge_id;
  Bytes document;
  std::int64_t expires_at = 0;  ///< seconds since 1970
};

/// What is written is on disk with the next write that waits for the disk: the entry in the log of decisions.
class ChallengeStore {
 public:
  virtual ~ChallengeStore() = default;
  /// already_exists.
  virtual Status put(const ChallengeRecord& record) = 0;
  /// The challenge, which is gone then: one caller gets it, all others not_found. Whether it expired is the
  /// caller's to check.
  virtual Result<ChallengeRecord> take(const std::string& tenant, const std::string& challenge_id) = 0;
  /// How many the tenant has, expired ones among them; at most `limit`.
  virtual Result<std::int64_t> count(const std::string& tenant, std::int64_t limit) = 0;
  /// Forgets up to `limit` challenges of any tenant that expired before `now`: how many.
  virtual Result<std::int64_t> drop_expired(std::int64_t now, int limit) = 0;
};

/// On a database that was opened with the keys' schema (schemas.h); it outlives the port.
std::unique_ptr<EnrolmentStore> make_enrolment_store(sql::Database& database);
std::unique_ptr<ChallengeStore> make_challenge_store(sql::Database& database);

}  // namespace sealift::store
