// SPDX-License-Identifier: Apache-2.0
/// What host and verifier send each other about one SEV launch: two small JSON documents, read strictly. The
/// answer to the second is the launch measurement, 48 bytes as the PSP gives them.
#pragma once

#include "tee/sev/measurement.h"

namespace sealift::sev {

inline constexpr std::size_t kEvidenceLimit = 32UL * 1024;
inline constexpr std::size_t kLaunchRequestLimit = 8UL * 1024;

/// The host's PSP: what it says of itself (query-sev), and its certificates. Nothing of it is checked yet.
struct Evidence {
  FirmwareVersion firmware;
  Bytes pdh, pek, oca, cek, ask, ark;

  /// Views into this object.
  PlatformCertificates certificates() const {
    return {.pdh = pdh, .pek = pek, .oca = oca, .cek = cek, .ask = ask, .ark = ark};
  }
};

/// {"format": "sealift.sev-evidence.v1", "api_major", "api_minor", "build", and base64: "pdh", "pek", "oca",
/// "cek", "ask", "ark"}
std::string to_json(const Evidence& evidence);
/// malformed at the member; too_large.
Result<Evidence> parse_evidence(ByteView text);

/// What the host launches with: object sev-guest's policy, dh-cert-file and session-file.
struct LaunchRequest {
  Policy policy;
  Bytes godh;
  Bytes session;
};

/// {"format": "sealift.sev-launch.v1", "policy": NUMBER, and base64: "godh", "session"}
std::string to_json(const LaunchRequest& request);
Result<LaunchRequest> parse_launch_request(ByteView text);

}  // namespace sealift::sev
