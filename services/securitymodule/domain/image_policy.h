// SPDX-License-Identifier: Apache-2.0
/// On which hosts, in which state, an image may be opened: what the tenant sent, checked.
#pragma once

#include <string>
#include <string_view>

#include "sealift/v1/security_module.pb.h"
#include "tee/measured.h"

namespace sealift::securitymodule {

/// Immutable; usable by several threads.
class ImagePolicy {
 public:
  /// Strict, so that what cannot ever be satisfied is refused when it is inserted and not at a launch. The
  /// field is the member's path: "policy.trusted_roots[1]". invalid_argument, too_large, or a code of
  /// crypto/x509_verify.h.
  static Result<ImagePolicy> check(const v1::SeedPolicy& policy);
  /// What document() gave.
  static Result<ImagePolicy> read(ByteView document);

  /// The policy in its one spelling: equal policies have equal documents.
  const Bytes& document() const noexcept { return document_; }
  /// SHA-256 of the document.
  const crypto::Digest& digest() const noexcept { return digest_; }
  const v1::SeedPolicy& message() const noexcept { return message_; }
  /// failed_precondition at "tee".
  Status allow(std::string_view tee) const;
  const tee::MeasuredPolicy& measured() const noexcept { return measured_; }
  /// The policy of the sealed object: PolicyPCR over the approved values.
  const crypto::Digest& sealing_policy() const noexcept { return sealing_policy_; }

 private:
  ImagePolicy(v1::SeedPolicy message, tee::MeasuredPolicy measured);

  v1::SeedPolicy message_;
  tee::MeasuredPolicy measured_;
  crypto::Digest sealing_policy_;
  Bytes document_;
  crypto::Digest digest_;
};

}  // namespace sealift::securitymodule
