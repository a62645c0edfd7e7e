// SPDX-License-Identifier: Apache-2.0
/// Images, sealed to sets of hosts before any of them asks. What a host would show is taken from the past:
/// its enrolment, and the verdict on its platform; everything else is as when it asks.
#pragma once

#include "services/securitymodule/domain/authorizations.h"
#include "services/securitymodule/domain/decision.h"
#include "services/securitymodule/domain/host_sets.h"
#include "services/securitymodule/domain/revocations.h"
#include "services/securitymodule/domain/verdicts.h"

namespace sealift::securitymodule {

class SealingAhead {
 public:
  SealingAhead(Seeds& seeds, Enrolments& enrolments, Verdicts& verdicts, Authorizations& authorizations,
               Revocations& revocations, DecisionLog& log)
      : seeds_{seeds},
        enrolments_{enrolments},
        verdicts_{verdicts},
        authorizations_{authorizations},
        revocations_{revocations},
        log_{log} {}

  /// An image or a host that is refused is told of in its place, and the others go on. invalid_argument at
  /// "image_ids"; a database that does not answer, or what could not be recorded, gives nothing.
  Result<v1::SealToSetResponse> seal(const Asker& asker, const v1::HostSet& set,
                                     const google::protobuf::RepeatedPtrField<std::string>& image_ids);

 private:
  struct Host;
  class Batch;

  Seeds& seeds_;
  Enrolments& enrolments_;
  Verdicts& verdicts_;
  Authorizations& authorizations_;
  Revocations& revocations_;
  DecisionLog& log_;
};

}  // namespace sealift::securitymodule
