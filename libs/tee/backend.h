// SPDX-License-Identifier: Apache-2.0
/// The verifying side of a TEE back end: what evidence proves this target? (Design section 8.)
///
/// Every TEE answers in the same three steps, and nothing of a target can be used before the third:
///
///   evidence ──examine──► Examination (question for the host) ──conclude(answer)──► ProvenTarget
///
///             evidence                      question              answer                proves
///   measured  EK certificate, EK, keys      credential            its secret            storage key in a
///   genuine TPM pef       the same, and wrapping key    credential            its secret            the same
///   sev       PSP certificate chain         launch session        launch measurement    this VM, on a
///   genuine chip
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "crypto/digest.h"

namespace sealift::tee {

/// A target that proved what it is. What can be done with it is the back end's own business: see its header.
class ProvenTarget {
 public:
  virtual ~ProvenTarget() = default;
  /// The machine's stable name: the same after every enrolment, another for every machine.
  virtual crypto::Digest hardware_key_hash() const = 0;
};

/// Evidence that holds as far as it goes, and the one question that is left.
class Examination {
 public:
  virtual ~Examination() = default;
  /// To be relayed to the host as it is. Never twice the same.
  virtual ByteView question() const = 0;
  /// Counts once and expires: challenge_used, challenge_expired, or the back end's code for a wrong answer.
  virtual Result<std::unique_ptr<ProvenTarget>> conclude(ByteView answer, TimePoint now) = 0;
};

/// Immutable: usable by several threads.
class TeeBackend {
 public:
  virtual ~TeeBackend() = default;
  /// "measured", "pef", "sev".
  virtual std::string_view name() const noexcept = 0;
  /// `evidence` is the back end's own document, as the host shows it.
  virtual Result<std::unique_ptr<Examination>> examine(ByteView evidence, TimePoint now) const = 0;
};

}  // namespace sealift::tee
