// SPDX-License-Identifier: Apache-2.0
/// Is this a genuine AMD machine, and which key speaks for its PSP? (AMD 55766, section 2.1 and appendix C.)
///
///   ARK, self-signed, its public key pinned ──► ASK ──► CEK, one chip's
///                                                        └──► PEK ◄── OCA, self-signed: the machine's owner
///                                                              └──► PDH, with which sessions are made
#pragma once

#include <span>

#include "tee/sev/amd_certificate.h"
#include "tee/sev/amd_roots.h"

namespace sealift::sev {

/// As the files have them. `ask` and `ark` may both be AMD's combined file.
struct PlatformCertificates {
  ByteView pdh;
  ByteView pek;
  ByteView oca;
  ByteView cek;
  ByteView ask;
  ByteView ark;
};

/// A machine whose PDH is vouched for by a pinned ARK. Only verify() can make one, so holding it is the proof
/// of these checks, in this order:
/// - each certificate parses (certificate.h, amd_certificate.h have the codes) and is for what it is given as
///   (sev_certificate_usage_differs at "pek.usage"), with a key that can sign, the PDH's one that can agree
///   (unsupported at "pdh.algorithm");
/// - the ARK's public key is one of `roots`: issuer_untrusted at "ark.key". Key IDs prove nothing, everybody
/// can
///   write AMD's;
/// - the ARK signed itself and the ASK, the ASK the CEK, the OCA itself, OCA *and* CEK the PEK, the PEK the
/// PDH:
///   certificate_signature_invalid at "ask.signature", …; sev_cek_unsigned at "cek.signature" for a CEK as
///   PDH_CERT_EXPORT gives it.
///
/// Not proven here: that who shows this can use the PDH. That is the launch session.
class VerifiedPlatform {
 public:
  static Result<VerifiedPlatform> verify(const PlatformCertificates& certificates,
                                         std::span<const PinnedRoot> roots);

  const Certificate& pdh() const noexcept { return pdh_; }
  /// The machine's stable name: SHA-256 of the CEK's SubjectPublicKeyInfo. The CEK is the chip's; PEK and PDH
  /// change when the owner wants.
  const crypto::Digest& hardware_key_hash() const noexcept { return hardware_key_hash_; }
  /// The same of the OCA: who owns the machine. A machine whose owner is its maker has one of its own.
  const crypto::Digest& owner_key_hash() const noexcept { return owner_key_hash_; }
  /// The pinned root's name: "Milan".
  const std::string& root() const noexcept { return root_; }
  /// Of the firmware that made the PEK.
  ApiVersion api() const noexcept { return api_; }

 private:
  VerifiedPlatform(Certificate pdh, crypto::Digest hardware_key_hash, crypto::Digest owner_key_hash,
                   std::string root, ApiVersion api)
      : pdh_{std::move(pdh)},
        hardware_key_hash_{hardware_key_hash},
        owner_key_hash_{owner_key_hash},
        root_{std::move(root)},
        api_{api} {}
  Certificate pdh_;
  crypto::Digest hardware_key_hash_;
  crypto::Digest owner_key_hash_;
  std::string root_;
  ApiVersion api_;
};

}  // namespace sealift::sev
