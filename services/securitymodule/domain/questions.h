// SPDX-License-Identifier: Apache-2.0
/// Questions that are with hosts. Each counts once, at whichever replica its answer arrives.
#pragma once

#include "base/clock.h"
#include "services/securitymodule/domain/limits.h"
#include "services/securitymodule/domain/recent.h"
#include "services/securitymodule/domain/seeds.h"
#include "store/enrolments.h"

namespace sealift::securitymodule {

class Questions {
 public:
  Questions(store::ChallengeStore& store, const Vault& vault, const Clock& clock, const Limits& limits)
      : store_{store}, vault_{vault}, clock_{clock}, limits_{limits} {}

  /// resource_exhausted where too many of the tenant's are open.
  Result<v1::Question> ask(const ImageKey& image, const ImagePolicy& policy, const tee::MeasuredHost& host);
  /// The question, which is gone then. challenge_used where it is not open (any more); failed_precondition at
  /// "image_id" or "policy" where it was asked for another image, or under another policy.
  Result<tee::Challenge> take(const ImageKey& image, const ImagePolicy& policy,
                              const std::string& question_id);
  /// Frees what nobody answered in time.
  Status forget_expired();

 private:
  Result<tee::Challenge> read(ByteView document);

  store::ChallengeStore& store_;
  const Vault& vault_;
  const Clock& clock_;
  const Limits& limits_;
  /// Those that were asked here, by their documents: reading one parses its certificates.
  Recent<tee::Challenge> asked_here_{1024};
};

}  // namespace sealift::securitymodule
