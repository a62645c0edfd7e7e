// SPDX-License-Identifier: Apache-2.0
/// Insertions that customers have begun. Each counts once, for a few minutes.
#pragma once

#include "base/clock.h"
#include "services/securitymodule/domain/insertion_key.h"
#include "services/securitymodule/domain/limits.h"
#include "services/securitymodule/domain/seeds.h"
#include "store/enrolments.h"

namespace sealift::securitymodule {

class Insertions {
 public:
  /// `key` is null where the security module has none.
  Insertions(store::ChallengeStore& store, const Vault& vault, const Clock& clock, const Limits& limits,
             const InsertionKey* key)
      : store_{store}, vault_{vault}, clock_{clock}, limits_{limits}, key_{key} {}

  /// failed_precondition without a key; invalid_argument at "nonce"; resource_exhausted.
  Result<v1::BeginInsertionResponse> begin(const ImageKey& image, const v1::BeginInsertionRequest& request);
  /// What was sealed, and what the customer hears once it is kept. challenge_used, challenge_expired;
  /// authentication_failed where it was altered or is for other terms.
  struct Received {
    v1::PutSeedRequest request;  ///< its seed is in `seed`
    SecretBytes seed;
    crypto::Digest confirmation;
  };
  Result<Received> receive(const ImageKey& image, const v1::InsertSeedRequest& request);

 private:
  struct Begun {
    tee::InsertionTerms terms;
    SecretBytes kept;
  };
  Result<const InsertionKey*> key() const;
  Result<Begun> take(const ImageKey& image, const std::string& insertion_id);

  store::ChallengeStore& store_;
  const Vault& vault_;
  const Clock& clock_;
  const Limits& limits_;
  const InsertionKey* key_;
};

}  // namespace sealift::securitymodule
