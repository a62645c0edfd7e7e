// SPDX-License-Identifier: Apache-2.0
/// Launch secrets for SEV guests: one for each launch that was measured as its owner expects (design section
/// 4, 1025 to 1099).
///
/// Between question and answer, and for a while after it, the launch's record is in the database, encrypted:
/// any replica may get the answer, and gives the same packet where the same answer comes again. Another
/// packet for that launch is not made, unless somebody who can write the database puts the record back that
/// an answer took: then once more for each time, for the same chip and the approved measurement alone
/// (adr/0023).
#pragma once

#include <functional>

#include "services/securitymodule/domain/limits.h"
#include "services/securitymodule/domain/seeds.h"
#include "store/enrolments.h"

namespace sealift::securitymodule {

class SevLaunches {
 public:
  SevLaunches(store::ChallengeStore& store, const Vault& vault, const Clock& clock, const Limits& limits)
      : store_{store}, vault_{vault}, clock_{clock}, limits_{limits} {}

  /// Whether this chip may have launches at all.
  using Allow = std::function<Status(const crypto::Digest& hardware_key_hash)>;
  /// Refuses as PendingLaunch::begin() and `allow`, which is asked before anything is kept;
  /// resource_exhausted where too many of the tenant's launches are open.
  Result<v1::Question> ask(const ImageKey& image, const ImagePolicy& policy, ByteView evidence,
                           const Allow& allow);

  struct Released {
    v1::LaunchSecret secret;
    bool again;  ///< it was released before, to the same answer
    crypto::Digest hardware_key_hash;
  };
  /// `chip` is told as soon as it is known. challenge_used, challenge_expired, launch_measurement_differs;
  /// and failed_precondition at "image_id" or "policy" where it was asked for another image, or under another
  /// policy.
  Result<Released> answer(const ImageKey& image, const OpenedSeed& seed, const std::string& question_id,
                          ByteView answer, std::string& chip);

 private:
  Status put(const std::string& tenant, const std::string& id, ByteView content, std::chrono::seconds keep);
  Result<SecretBytes> take(const std::string& tenant, const std::string& id);

  store::ChallengeStore& store_;
  const Vault& vault_;
  const Clock& clock_;
  const Limits& limits_;
};

}  // namespace sealift::securitymodule
